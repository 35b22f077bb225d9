package io.edged.drain;

/** The connections of one sender to one endpoint. Belongs to the event loop. */
interface Connections {

    /** Sends an exchange, or has it wait in line. */
    void submit(Exchange exchange);

    /** Ends an exchange that is overdue or no longer wanted. */
    void giveUp(Exchange exchange, Throwable why);

    /**
     * The way has proven slow, or no longer is. On a slow one connections are made so that what the
     * kernel takes ahead of the link is bounded by {@link Connector#UNSEEN_BYTES}.
     *
     * @param slow another answer than last time; at first it is not
     */
    void slow(boolean slow);

    /** Closes every connection; those that are still being made are closed when they are ready. */
    void close();
}
