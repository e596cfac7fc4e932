"""The probe's objects on the cluster, and its measurements judged by the traffic budget."""
