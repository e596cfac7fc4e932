"""A stand-in for Pulumi's kubernetes resource plugin, for machines where it cannot be downloaded."""

VERSION = "4.34.2"
