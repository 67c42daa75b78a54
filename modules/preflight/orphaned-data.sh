# Data of another Docker, which an engine of the site would not show.
# shellcheck disable=SC2034,SC2154 # foreign-engine.sh reads foreign; core/engine-data.sh sets data_words and data_from, foreign-engine.sh foreign_installed

# Fact: the host has no containers, volumes or images of another engine that would become invisible. adoption.ts composes the remedy from
# the last words of the finding: whether live-restore is on, and the packages of the other engine, `snap:docker` among them.
# $1 data-root of the site, $2 data root that the site adopts; empty: none
check_no_orphaned_data() {
  for orphan_root in $(orphan_setting) /var/lib/docker /var/snap/docker/common/var-lib-docker; do
    if [ "$orphan_root" = "$1" ] || [ "$orphan_root" = "${2-}" ] || [ "$SEALIFT_ROOT$orphan_root" -ef "$SEALIFT_ROOT$1" ]; then continue; fi
    data_adopted "$SEALIFT_ROOT$1"
    if [ "$data_from" = "$orphan_root" ] || ! data_inspect "$SEALIFT_ROOT$orphan_root"; then continue; fi
    orphan_version
    orphan_live=-
    if grep -Eqs '"live-restore" *: *true' "$SEALIFT_ROOT/etc/docker/daemon.json"; then orphan_live=live-restore; fi
    foreign=
    foreign_by_package
    if snap_installed; then foreign_installed="$foreign_installed snap:docker"; fi
    warn E_DATA_ROOT "$orphan_root has $data_words (engine $orphan_version)" "$orphan_live$foreign_installed"
    return
  done
}

# orphan_setting: prints the data root in an existing daemon.json, whoever wrote it: a path of plain characters, or nothing.
orphan_setting() {
  sed -n 's|.*"\(data-root\)" *: *"\(/[A-Za-z0-9_./-]*\)".*|\2|p' "$SEALIFT_ROOT/etc/docker/daemon.json" 2>/dev/null | head -n 1
}

# orphan_version: sets orphan_version to the version of the package that wrote the data, removed or not; "<version>" if dpkg knows none.
orphan_version() {
  orphan_version="<version>"
  for orphan_package in docker.io docker-ce moby-engine docker-ee docker-engine; do
    if [ ! -e "$SEALIFT_ROOT/var/lib/dpkg/info/$orphan_package.list" ]; then continue; fi
    # "5:28.5.2-1~debian.12~bookworm", "26.1.5+dfsg1-9+deb13u1": the upstream version is between the epoch and the revision.
    orphan_found=$(dpkg-query --admindir="$SEALIFT_ROOT/var/lib/dpkg" -W -f '${Version}' "$orphan_package" 2>/dev/null |
      sed -n 's/^\([0-9]*:\)\{0,1\}\([0-9]*\.[0-9]*\.[0-9]*\).*/\2/p')
    if [ -n "$orphan_found" ]; then
      orphan_version=$orphan_found
      return 0
    fi
  done
}
