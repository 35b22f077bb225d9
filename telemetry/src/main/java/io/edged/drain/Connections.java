package io.edged.drain;

/** The connections of one sender to one endpoint. Belongs to the event loop. */
interface Connections {

    /** Sends an exchange, or has it wait in line. */
    void submit(Exchange exchange);

    /** Ends an exchange that is overdue or no longer wanted. */
    void giveUp(Exchange exchange, Throwable why);

    /** Closes every connection; those that are still being made are closed when they are ready. */
    void close();
}
