import sys; sys.path.insert(0,'/work/main/tests')
async def test_speed(common):
    import time
    for path in ("/api/v1/catalogue","/api/v1/balance","/api/v1/stock","/api/v1/self-test"):
        await common.get(path)
        t=time.perf_counter()
        for _ in range(100): await common.get(path)
        print(path, round((time.perf_counter()-t)*10,2),"ms")
    print([l for l in (await common.get("/metrics",signed=False)).body.decode().splitlines() if "http_requests" in l])
