async def test_smoke(platform):
    p=platform
    for path in ["/api/v1/catalogue","/api/v1/catalogue/100001","/api/v1/stock","/api/v1/orders","/api/v1/balance","/api/v1/statement","/api/v1/self-test","/api/v1/errors","/healthz","/metrics","/","/docs","/docs/errors","/api/v1/openapi.json","/nope"]:
        a=await p.get(path)
        print(path,a.status,a.headers,a.body[:300].decode(errors='replace'))
    print(await p.place("a1",p.goods.card,2))
    a=await p.get("/api/v1/orders","client_ref=a1"); print(a.body.decode())
    oid=a.json["orders"][0]["id"]
    for x in (f"/api/v1/orders/{oid}",f"/api/v1/orders/{oid}/events"):
        print((await p.get(x)).body.decode())
    print((await p.post(f"/api/v1/orders/{oid}/reveal")).body.decode())
    print((await p.post("/api/v1/quotes",[{"sku":str(p.goods.card.sku_id),"quantity":2},{"sku":"1"}])).body.decode())
    print((await p.call("DELETE","/api/v1/orders")), (await p.call("GET","/api/v1/orders/bulk")), await p.call("HEAD","/api/v1/balance"),await p.call("OPTIONS","/api/v1/balance"))
