"""Print a password, as ``minimal.py`` does, but with the library."""

from ecr_credhelper import get_credentials

print(get_credentials("111122223333.dkr.ecr.us-west-2.amazonaws.com").password)
