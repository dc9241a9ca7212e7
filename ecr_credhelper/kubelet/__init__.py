"""A credential provider for the kubelet, which runs it to get the logins for images."""
