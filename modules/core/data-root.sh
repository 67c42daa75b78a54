# A data-root that changes while there is data in the old one: two phases meet it, and it has one way out.

# data_root_remedy OLD NEW: what to do when data-root changes and the old one is in use, wherever that is found.
data_root_remedy() {
  echo "write data-root: $1 into the site again, or stop docker.service, docker.socket and containerd.service, move $1 to $2 with all that is in it, then run pulumi up again"
}
