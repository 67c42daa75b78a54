# A data-root that changes while the old one holds data. Two phases detect it and give the same remedy.

# data_root_remedy OLD NEW: prints the remedy.
data_root_remedy() {
  echo "set data-root back to $1 in the site, or stop docker.service, docker.socket and containerd.service, move $1 with its content to $2, then run pulumi up again"
}
