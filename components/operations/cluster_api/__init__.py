"""The client of the cluster's API: login, requests, discovery."""
