from flask import Flask


def create_app():
    app = Flask(__name__)

    @app.get("/")
    def home():
        return "<h1>Hello from Flask</h1>"

    return app
