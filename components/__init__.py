"""The migration itself: phases over providers over operations over the cluster's API."""
