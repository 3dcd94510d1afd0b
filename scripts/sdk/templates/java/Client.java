package kameng.sdk;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * Talks to one platform with one key; signs every request, and repeats what may be repeated. Safe for many threads.
 * Orders are repeated by themselves when no answer came or the platform was busy: the same clientRef never orders twice.
 */
public final class Client {
    private static final long WAIT_MAX_MS = 30_000;
    private static final Set<Integer> COME_AGAIN = Set.of(408, 429, 503);
    private static final SecureRandom RANDOM = new SecureRandom();

    private final String url, key;
    private final byte[] secret;
    private final Duration timeout;
    private final int tries;
    private final HttpClient http;

    /** {@code url} has no path: https://shop.example */
    public Client(String url, String key, String secret) {
        this(url, key, secret, Duration.ofSeconds(30), 4, HttpClient.newHttpClient());
    }

    public Client(String url, String key, String secret, Duration timeout, int tries, HttpClient http) {
        this.url = url.endsWith("/") ? url.substring(0, url.length() - 1) : url;
        this.key = key;
        this.secret = secret.getBytes(StandardCharsets.UTF_8);
        this.timeout = timeout;
        this.tries = tries;
        this.http = http;
    }

@operations@

    /** Any endpoint: the decoded answer (maps, lists, String, Long, Boolean, null), or the error. */
    public Object call(
        String method, String path, String query, Object body, String mediaType, boolean repeatable, boolean signed
    ) {
        byte[] data = body == null ? new byte[0]
            : body instanceof byte[] bytes ? bytes : Json.write(body).getBytes(StandardCharsets.UTF_8);
        for (int attempt = 0; ; attempt++) {
            boolean isLast = attempt + 1 >= tries;
            HttpResponse<String> answer;
            try {
                answer = send(method, path, query, data, mediaType, signed);
            } catch (IOException error) {
                if (isLast || !repeatable) throw new Errors.NoAnswer(method + " " + path + ": " + error, error);
                pause(attempt, "");
                continue;
            }
            if (answer.statusCode() < 400) return answer.body().isEmpty() ? null : Json.read(answer.body());
            Errors.ApiException refusal = Errors.of(answer.statusCode(), problemOf(answer.body()));
            if (isLast || !COME_AGAIN.contains(answer.statusCode()) || !mayRepeat(refusal, repeatable)) throw refusal;
            pause(attempt, answer.headers().firstValue("retry-after").orElse(""));
        }
    }

    private HttpResponse<String> send(
        String method, String path, String query, byte[] body, String mediaType, boolean signed
    ) throws IOException {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(url + path + (query.isEmpty() ? "" : "?" + query)))
            .timeout(timeout)
            .version(HttpClient.Version.HTTP_1_1)
            .method(method, body.length == 0
                ? HttpRequest.BodyPublishers.noBody() : HttpRequest.BodyPublishers.ofByteArray(body));
        if (body.length > 0) request.header("Content-Type", mediaType);
        if (signed) request.header("Authorization", authorization(method, path, query, body));
        try {
            return http.send(request.build(), HttpResponse.BodyHandlers.ofString(StandardCharsets.UTF_8));
        } catch (InterruptedException error) {
            Thread.currentThread().interrupt();
            throw new Errors.NoAnswer("interrupted", error);
        }
    }

    private String authorization(String method, String path, String query, byte[] body) {
        byte[] random = new byte[18];
        RANDOM.nextBytes(random);
        String nonce = Base64.getUrlEncoder().withoutPadding().encodeToString(random);
        String ts = String.valueOf(System.currentTimeMillis() / 1000);
        try {
            HexFormat hex = HexFormat.of();
            String digest = hex.formatHex(MessageDigest.getInstance("SHA-256").digest(body));
            String canonical = String.join("\n", List.of(method, path, query, ts, nonce, digest));
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(secret, "HmacSHA256"));
            String signature = hex.formatHex(mac.doFinal(canonical.getBytes(StandardCharsets.UTF_8)));
            return "KAMENG-HMAC-SHA256 key=" + key + ",ts=" + ts + ",nonce=" + nonce + ",sig=" + signature;
        } catch (GeneralSecurityException error) {
            throw new IllegalStateException(error); // every Java has both
        }
    }

    /** Nothing was done, or it can't be done twice. */
    private static boolean mayRepeat(Errors.ApiException refusal, boolean repeatable) {
        if (refusal.outcome.equals("none")) return refusal.retry.equals("same_key");
        return repeatable && (refusal.retry.equals("same_key") || refusal.retry.equals("query_first"));
    }

    /** What the platform asks for, else twice as long each time; never all clients at once. */
    private static void pause(int attempt, String retryAfter) {
        long asked = retryAfter.matches("[0-9]{1,9}") ? Long.parseLong(retryAfter) * 1000 : 200L << attempt;
        try {
            Thread.sleep(Math.min(asked, WAIT_MAX_MS) + RANDOM.nextInt(100));
        } catch (InterruptedException error) {
            Thread.currentThread().interrupt();
            throw new Errors.NoAnswer("interrupted", error);
        }
    }

    private static Map<String, Object> problemOf(String text) {
        try {
            return Json.<Object>map(Json.read(text));
        } catch (RuntimeException notJson) { // a proxy's page
            return Map.of("detail", text.substring(0, Math.min(200, text.length())));
        }
    }
}
