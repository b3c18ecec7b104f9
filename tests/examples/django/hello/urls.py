from django.contrib.auth.models import User
from django.http import HttpResponse
from django.urls import path

urlpatterns = [path("", lambda request: HttpResponse(f"<h1>Hello from Django</h1><p>{User.objects.count()} users</p>"))]
