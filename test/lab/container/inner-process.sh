# To be sourced. Needs procps.

# inner FOLDER: the process id of container.sh inside the namespaces of the container in this folder, as the machine sees it: the child of
# the child.
inner() {
  read -r outer <"$1/machine.pid"
  pgrep -P "$(pgrep -P "$outer" -x unshare)"
}
