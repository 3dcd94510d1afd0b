package kameng.sdk;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.Base64;
import java.util.Map;
import java.util.TreeMap;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/** Webhooks: whether a call comes from the platform (Standard Webhooks 1.0, {@code v1}). */
public final class Webhooks {
    private Webhooks() {}

    /** Not from the platform, or too old: answer 400 and do nothing. */
    public static final class NotGenuine extends Errors.KamengException {
        NotGenuine(String message) { super(message, null); }
    }

    /** As below, with 300 seconds of tolerance around now. */
    public static Map<String, Object> verify(String secret, Map<String, String> headers, byte[] body) {
        return verify(secret, headers, body, 300, System.currentTimeMillis() / 1000);
    }

    /** What the webhook says. {@code secret} is the endpoint's whsec_…; {@code body} the very bytes that came. */
    public static Map<String, Object> verify(
        String secret, Map<String, String> headers, byte[] body, long toleranceS, long nowS
    ) {
        Map<String, String> sent = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
        sent.putAll(headers);
        String id = sent.getOrDefault("webhook-id", ""), timestamp = sent.getOrDefault("webhook-timestamp", "");
        if (id.isEmpty() || !timestamp.matches("[0-9]{1,12}")) {
            throw new NotGenuine("webhook-id or webhook-timestamp is missing");
        }
        if (Math.abs(nowS - Long.parseLong(timestamp)) > toleranceS) {
            throw new NotGenuine("webhook-timestamp is too far from now");
        }
        byte[] wanted = ("v1," + signature(secret, id + "." + timestamp + ".", body)).getBytes(StandardCharsets.UTF_8);
        for (String one : sent.getOrDefault("webhook-signature", "").split(" ")) {
            if (MessageDigest.isEqual(wanted, one.getBytes(StandardCharsets.UTF_8))) {
                return Json.map(Json.read(new String(body, StandardCharsets.UTF_8)));
            }
        }
        throw new NotGenuine("no signature fits");
    }

    private static String signature(String secret, String prefix, byte[] body) {
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(Base64.getDecoder().decode(secret.replaceFirst("^whsec_", "")), "HmacSHA256"));
            mac.update(prefix.getBytes(StandardCharsets.UTF_8));
            return Base64.getEncoder().encodeToString(mac.doFinal(body));
        } catch (GeneralSecurityException error) {
            throw new IllegalStateException(error); // every Java has it
        }
    }
}
