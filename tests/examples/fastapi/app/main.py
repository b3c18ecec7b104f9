from fastapi import FastAPI

api = FastAPI()


@api.get("/")
def home() -> dict[str, str]:
    return {"message": "Hello from FastAPI"}
