"""The project's tests, the fake ECR API that they and the demo share, and the end-to-end runs."""
