package io.edged.sink;

import io.edged.otlp.Signal;

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

    static void walk(Signal signal, byte[] body, Visitor visitor) throws Fields.Malformed {
        var walk = new OtlpWalk(signal, visitor);
        var request = new Fields(body, 0, body.length);
        while (request.next()) if (request.isLength(1)) walk.resource(request.message());
    }

    private void resource(Fields resource) throws Fields.Malformed {
        while (resource.next()) if (resource.isLength(2)) scope(resource.message());
    }

    private void scope(Fields scope) throws Fields.Malformed {
        while (scope.next()) {
            if (!scope.isLength(2)) continue;
            switch (signal) {
                case LOGS -> log(scope.message());
                case TRACES -> span(scope.message());
                case METRICS -> metric(scope.message());
            }
        }
    }

    private void log(Fields log) throws Fields.Malformed {
        var item = new Item();
        while (log.next()) {
            if (log.isLength(5)) item.text = value(log.message());
            else if (log.isLength(6)) attribute(log.message(), item);
        }
        visitor.item(item.text, item.run, item.id);
    }

    private void span(Fields span) throws Fields.Malformed {
        var item = new Item();
        while (span.next()) {
            if (span.isLength(5)) item.text = span.text(MAX_TEXT_BYTES);
            else if (span.isLength(9)) attribute(span.message(), item);
        }
        visitor.item(item.text, item.run, item.id);
    }

    /** The name stands before the data in what every library writes; the format allows both. */
    private void metric(Fields metric) throws Fields.Malformed {
        String name = "";
        while (metric.next()) {
            if (metric.isLength(1)) {
                name = metric.text(MAX_TEXT_BYTES);
                continue;
            }
            int attributes = attributesOfPoint(metric.number());
            if (attributes > 0 && metric.isLength(metric.number()))
                points(metric.message(), attributes, name);
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

    private void points(Fields data, int attributes, String name) throws Fields.Malformed {
        while (data.next()) {
            if (!data.isLength(1)) continue;
            Fields point = data.message();
            var item = new Item();
            while (point.next()) if (point.isLength(attributes)) attribute(point.message(), item);
            visitor.item(name, item.run, item.id);
        }
    }

    private static void attribute(Fields pair, Item item) throws Fields.Malformed {
        String key = "";
        while (pair.next()) {
            if (pair.isLength(1)) key = pair.text(MAX_TEXT_BYTES);
            else if (pair.isLength(2) && key.equals(RUN_ATTRIBUTE))
                item.run = value(pair.message());
            else if (pair.isLength(2) && key.equals(ID_ATTRIBUTE)) item.id = number(pair.message());
        }
    }

    /** An attribute's or body's value in short: text as it is, numbers written out. */
    private static String value(Fields value) throws Fields.Malformed {
        String text = "";
        while (value.next()) {
            if (value.isLength(1)) text = value.text(MAX_TEXT_BYTES);
            else if (value.isVarint(2)) text = Boolean.toString(value.value() != 0);
            else if (value.isVarint(3)) text = Long.toString(value.value());
            else text = "(" + kind(value.number()) + ")";
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

    private static long number(Fields value) throws Fields.Malformed {
        long number = 0;
        while (value.next()) if (value.isVarint(3)) number = value.value();
        return number;
    }
}
