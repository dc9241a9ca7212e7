"""The shortest script that gets an ECR password with boto3, for comparison with a cold get."""

import base64

import boto3

client = boto3.client("ecr", region_name="us-west-2")
data = client.get_authorization_token()["authorizationData"][0]
username, _, password = base64.b64decode(data["authorizationToken"]).decode().partition(":")
print(password)
