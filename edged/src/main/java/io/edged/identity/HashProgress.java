package io.edged.identity;

/** Somebody who watches files being hashed. {@link #add} comes from several threads. */
public interface HashProgress {

    /** Nobody looks. */
    HashProgress NONE =
            new HashProgress() {
                @Override
                public void begin(int files, long bytes) {}

                @Override
                public void add(long bytes) {}

                @Override
                public void end() {}
            };

    /** Hashing begins. */
    void begin(int files, long bytes);

    /** So many more bytes have been read. */
    void add(long bytes);

    /** All was read, or it failed. */
    void end();
}
