# The data root of the engine, as several phases deal with it.

# data_root_on_disk: writes the data root, which may be a file system of its own, to disk before a change of it is reported.
data_root_on_disk() { on_disk "$(timeout 60 "$SEALIFT_DOCKER" info --format '{{.DockerRootDir}}')"; }

# data_root_remedy OLD NEW: prints the remedy for a data-root that changes while the old one holds data.
data_root_remedy() {
  echo "set data-root back to $1 in the site, or stop docker.service, docker.socket and containerd.service, move $1 with its content to $2, then run pulumi up again"
}
