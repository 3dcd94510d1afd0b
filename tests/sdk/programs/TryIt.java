// What the test has the Java SDK do. Prints one JSON object.

package kameng.sdk;

import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

public final class TryIt {
    public static void main(String[] given) {
        String ref = given[0], sku = given[1], bare = given[2];
        Map<String, String> env = System.getenv();
        Client client = new Client(env.get("KAMENG_URL"), env.get("KAMENG_KEY"), env.get("KAMENG_SECRET"));
        Models.OrderBody wanted = Models.OrderBody.of(ref, sku).withQuantity(2L);
        Models.OrderAnswer placed = client.placeOrder(wanted);
        Map<String, Object> told = new LinkedHashMap<>();
        told.put("id", placed.id());
        told.put("state", placed.state());
        told.put("total", placed.total());
        told.put("replayed", placed.replayed());
        told.put("secrets", placed.cards().stream().map(Models.CardBody::secret).toList());
        Models.OrderAnswer again = client.placeOrder(wanted);
        told.put("again", List.of(again.id(), again.replayed()));
        try {
            client.placeOrder(Models.OrderBody.of(ref + "-bare", bare));
        } catch (Errors.SoldOut error) {
            told.put("refused", List.of(error.status, error.code, error.retry, error.outcome, error.field));
            told.put("said", error.titleZh);
        }
        told.put("found", client.listOrders(ref, null, null, null, null).orders().stream()
            .map(Models.OrderView::clientRef).toList());
        told.put("quote", client.askQuotes(Models.QuoteBody.of(sku).withQuantity(3L)).total());
        try {
            client.revealOrder(placed.id());
            told.put("revealed", true);
        } catch (Errors.NoAnswer error) {
            told.put("revealed", false);
        }
        byte[] body = "{\"type\":\"order.delivered\"}".getBytes(StandardCharsets.UTF_8);
        Map<String, String> sent = Map.of("Webhook-Id", "msg_1", "Webhook-Timestamp", "1763800000",
            "Webhook-Signature", env.get("SIGNATURE"));
        String secret = env.get("WEBHOOK_SECRET");
        told.put("webhook", Webhooks.verify(secret, sent, body, 300, 1763800000L).get("type"));
        try {
            Webhooks.verify(secret, sent, "{}".getBytes(StandardCharsets.UTF_8), 300, 1763800000L);
        } catch (Webhooks.NotGenuine error) {
            told.put("forged", true);
        }
        System.out.println(Json.write(told));
    }
}
