package io.edged.otlp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.github.luben.zstd.Zstd;

import org.junit.jupiter.api.Test;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.zip.ZipException;

class UnzstdTest {

    private final byte[] body = Requests.typicalLogs(500);
    private final byte[] packed = Zstd.compress(body);

    @Test
    void whatWasCompressedComesOut() throws Exception {
        assertThat(Unzstd.decompress(ByteBuffer.wrap(packed), body.length)).isEqualTo(body);
    }

    @Test
    void moreThanTheBoundIsRefused() {
        assertThatThrownBy(() -> Unzstd.decompress(ByteBuffer.wrap(packed), body.length - 1))
                .isInstanceOf(ZipException.class)
                .hasMessageContaining("larger than");
    }

    @Test
    void whatIsNotZstdIsRefused() {
        assertThatThrownBy(() -> Unzstd.decompress(ByteBuffer.wrap(body), body.length))
                .isInstanceOf(ZipException.class)
                .hasMessageContaining("does not begin like zstd");
        byte[] cut = Arrays.copyOf(packed, packed.length - 1);
        assertThatThrownBy(() -> Unzstd.decompress(ByteBuffer.wrap(cut), body.length))
                .isInstanceOf(ZipException.class)
                .hasMessageContaining("cut off");
    }
}
