package io.edged.admin;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;

/**
 * The page at {@code /}: one file without other assets. It holds no data; its script asks {@code
 * /status} and {@code /history} and shows what they say as text. The policy lets the browser run
 * exactly the script and the style of the file.
 */
final class StatusPage {

    private static final String FILE = "status.html";

    private final String html;
    private final String policy;

    StatusPage() {
        try (InputStream in = StatusPage.class.getResourceAsStream(FILE)) {
            if (in == null) throw new IllegalStateException(FILE + " is not in the program");
            html = new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        policy =
                "default-src 'none'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none';"
                        + " frame-ancestors 'none'; script-src '"
                        + hash("script")
                        + "'; style-src '"
                        + hash("style")
                        + "'";
    }

    String html() {
        return html;
    }

    /** The value of {@code Content-Security-Policy}. */
    String policy() {
        return policy;
    }

    private String hash(String element) {
        int start = html.indexOf("<" + element + ">") + element.length() + 2;
        int end = html.indexOf("</" + element + ">");
        try {
            byte[] digest =
                    MessageDigest.getInstance("SHA-256")
                            .digest(html.substring(start, end).getBytes(StandardCharsets.UTF_8));
            return "sha256-" + Base64.getEncoder().encodeToString(digest);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }
}
