package io.edged.sink;

import io.edged.otlp.ProtobufReader;
import io.edged.otlp.ProtobufReader.MalformedException;
import io.edged.otlp.Signal;

import java.nio.ByteBuffer;

/**
 * Finds the items of an export request: each log record, span and data point, with what it says in
 * short and the numbers that the demo producer gives it. Field numbers are those of OTLP 1.x.
 */
final class OtlpWalk {
    static final String RUN_ATTRIBUTE = "edge.demo.run";
    static final String ID_ATTRIBUTE = "edge.demo.id";
    private static final int MAX_TEXT_BYTES = 200;

    /** One item. */
    interface Visitor {
        /**
         * Called in the order of the body.
         *
         * @param text body, name or metric, in short
         * @param run which run of a producer, empty if it does not say
         * @param id its number in that run, 0 if it has none
         */
        void item(String text, String run, long id);
    }

    /** What an item's attributes say, collected while its fields are walked. */
    private static final class Item {
        String text = "";
        String run = "";
        long id;
    }

    private final Signal signal;
    private final Visitor visitor;

    private OtlpWalk(Signal signal, Visitor visitor) {
        this.signal = signal;
        this.visitor = visitor;
    }

    static void walk(Signal signal, byte[] body, Visitor visitor) throws MalformedException {
        var walk = new OtlpWalk(signal, visitor);
        var request = new ProtobufReader(ByteBuffer.wrap(body));
        for (int field = request.next(); field != 0; field = request.next())
            if (field == 1 && request.isLength()) walk.resource(request.message());
            else request.skip();
    }

    private void resource(ProtobufReader resource) throws MalformedException {
        for (int field = resource.next(); field != 0; field = resource.next())
            if (field == 2 && resource.isLength()) scope(resource.message());
            else resource.skip();
    }

    private void scope(ProtobufReader scope) throws MalformedException {
        for (int field = scope.next(); field != 0; field = scope.next()) {
            if (field != 2 || !scope.isLength()) {
                scope.skip();
                continue;
            }
            switch (signal) {
                case LOGS -> log(scope.message());
                case TRACES -> span(scope.message());
                case METRICS -> metric(scope.message());
            }
        }
    }

    private void log(ProtobufReader log) throws MalformedException {
        var item = new Item();
        for (int field = log.next(); field != 0; field = log.next()) {
            if (field == 5 && log.isLength()) item.text = value(log.message());
            else if (field == 6 && log.isLength()) attribute(log.message(), item);
            else log.skip();
        }
        visitor.item(item.text, item.run, item.id);
    }

    private void span(ProtobufReader span) throws MalformedException {
        var item = new Item();
        for (int field = span.next(); field != 0; field = span.next()) {
            if (field == 5 && span.isLength()) item.text = span.text(MAX_TEXT_BYTES);
            else if (field == 9 && span.isLength()) attribute(span.message(), item);
            else span.skip();
        }
        visitor.item(item.text, item.run, item.id);
    }

    /** The name stands before the data in what every library writes; the format allows both. */
    private void metric(ProtobufReader metric) throws MalformedException {
        String name = "";
        for (int field = metric.next(); field != 0; field = metric.next()) {
            int attributes = attributesOfPoint(field);
            if (field == 1 && metric.isLength()) name = metric.text(MAX_TEXT_BYTES);
            else if (attributes > 0 && metric.isLength())
                points(metric.message(), attributes, name);
            else metric.skip();
        }
    }

    /** Field number of a data point's attributes, by the field that holds the points; else 0. */
    private static int attributesOfPoint(int data) {
        return switch (data) {
            case 5, 7 -> 7; // gauge, sum
            case 9 -> 9; // histogram
            case 10 -> 1; // exponential histogram
            case 11 -> 7; // summary
            default -> 0;
        };
    }

    private void points(ProtobufReader data, int attributes, String name)
            throws MalformedException {
        for (int field = data.next(); field != 0; field = data.next()) {
            if (field != 1 || !data.isLength()) {
                data.skip();
                continue;
            }
            ProtobufReader point = data.message();
            var item = new Item();
            for (int part = point.next(); part != 0; part = point.next())
                if (part == attributes && point.isLength()) attribute(point.message(), item);
                else point.skip();
            visitor.item(name, item.run, item.id);
        }
    }

    private static void attribute(ProtobufReader pair, Item item) throws MalformedException {
        String key = "";
        for (int field = pair.next(); field != 0; field = pair.next()) {
            if (field == 1 && pair.isLength()) key = pair.text(MAX_TEXT_BYTES);
            else if (field == 2 && pair.isLength() && key.equals(RUN_ATTRIBUTE))
                item.run = value(pair.message());
            else if (field == 2 && pair.isLength() && key.equals(ID_ATTRIBUTE))
                item.id = number(pair.message());
            else pair.skip();
        }
    }

    /** An attribute's or body's value in short: text as it is, numbers written out. */
    private static String value(ProtobufReader value) throws MalformedException {
        String text = "";
        for (int field = value.next(); field != 0; field = value.next()) {
            if (field == 1 && value.isLength()) text = value.text(MAX_TEXT_BYTES);
            else if (field == 2 && value.isVarint()) text = Boolean.toString(value.varint() != 0);
            else if (field == 3 && value.isVarint()) text = Long.toString(value.varint());
            else {
                text = "(" + kind(field) + ")";
                value.skip();
            }
        }
        return text;
    }

    private static String kind(int field) {
        return switch (field) {
            case 4 -> "number";
            case 5 -> "list";
            case 6 -> "map";
            case 7 -> "bytes";
            default -> "value";
        };
    }

    private static long number(ProtobufReader value) throws MalformedException {
        long number = 0;
        for (int field = value.next(); field != 0; field = value.next())
            if (field == 3 && value.isVarint()) number = value.varint();
            else value.skip();
        return number;
    }
}
