// What the test has the Go SDK do. Prints one JSON object.

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"kameng"
)

func main() {
	ref, sku, bare := os.Args[1], os.Args[2], os.Args[3]
	ctx, two, three := context.Background(), int64(2), int64(3)
	client := kameng.New(os.Getenv("KAMENG_URL"), os.Getenv("KAMENG_KEY"), os.Getenv("KAMENG_SECRET"))
	wanted := kameng.OrderBody{ClientRef: ref, Sku: sku, Quantity: &two}
	placed := must(client.PlaceOrder(ctx, wanted))
	secrets := []string{}
	for _, card := range placed.Cards {
		secrets = append(secrets, card.Secret)
	}
	again := must(client.PlaceOrder(ctx, wanted))
	told := map[string]any{
		"id": placed.Id, "state": placed.State, "total": placed.Total, "replayed": placed.Replayed, "secrets": secrets,
		"again": []any{again.Id, again.Replayed},
	}
	_, err := client.PlaceOrder(ctx, kameng.OrderBody{ClientRef: ref + "-bare", Sku: bare})
	var refused *kameng.APIError
	if errors.Is(err, kameng.SoldOut) && errors.As(err, &refused) {
		told["refused"] = []any{refused.Status, refused.Code, refused.Retry, refused.Outcome, refused.Field}
		told["said"] = refused.TitleZh
	}
	refs := []string{}
	for _, order := range must(client.ListOrders(ctx, kameng.ListOrdersQuery{ClientRef: ref})).Orders {
		refs = append(refs, order.ClientRef)
	}
	told["found"] = refs
	told["quote"] = must(client.AskQuotes(ctx, kameng.QuoteBody{Sku: sku, Quantity: &three})).Total
	_, err = client.RevealOrder(ctx, placed.Id)
	var lost *kameng.NoAnswer
	told["revealed"] = !errors.As(err, &lost)
	body, now := []byte(`{"type":"order.delivered"}`), time.Unix(1763800000, 0)
	sent := http.Header{}
	sent.Set("Webhook-Id", "msg_1")
	sent.Set("Webhook-Timestamp", "1763800000")
	sent.Set("Webhook-Signature", os.Getenv("SIGNATURE"))
	secret := os.Getenv("WEBHOOK_SECRET")
	if kameng.VerifyWebhook(secret, sent, body, now) == nil {
		told["webhook"] = "order.delivered"
	}
	told["forged"] = kameng.VerifyWebhook(secret, sent, []byte("{}"), now) != nil
	out, _ := json.Marshal(told)
	fmt.Println(string(out))
}

func must[T any](found T, err error) T {
	if err != nil {
		panic(err)
	}
	return found
}
