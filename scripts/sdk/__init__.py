"""The generator of Kameng's SDKs: docs/api/openapi.json in, five client libraries out. Nothing of it is committed."""
