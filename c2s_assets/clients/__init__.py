"""The network, and nothing but the network: bounded downloads over http and https."""
