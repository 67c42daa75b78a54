# What another Docker has kept, and an engine of the site would not show.
# shellcheck disable=SC2034,SC2154 # foreign-engine.sh reads foreign; core/engine-data.sh sets data_words and data_from, foreign-engine.sh foreign_installed

# Fact: no containers, volumes or images of another engine lie on this host that nobody would see any more. The remedy is put together out
# of the last words (adoption.ts): whether live-restore is on, and the packages that stand for the other engine.
# $1 data-root of the site, $2 what the site takes over; empty: nothing
check_no_orphaned_data() {
  for orphan_root in $(orphan_setting) /var/lib/docker /var/snap/docker/common/var-lib-docker; do
    if [ "$orphan_root" = "$1" ] || [ "$orphan_root" = "${2-}" ] || [ "$SEALIFT_ROOT$orphan_root" -ef "$SEALIFT_ROOT$1" ]; then continue; fi
    data_adopted "$SEALIFT_ROOT$1"
    if [ "$data_from" = "$orphan_root" ] || ! data_look "$SEALIFT_ROOT$orphan_root"; then continue; fi
    orphan_version
    orphan_live=-
    if grep -Eqs '"live-restore" *: *true' "$SEALIFT_ROOT/etc/docker/daemon.json"; then orphan_live=live-restore; fi
    foreign=
    foreign_by_package
    warn_that E_DATA_ROOT "$orphan_root has $data_words (engine $orphan_version)" "$orphan_live$foreign_installed"
    return
  done
}

# The data root in a daemon.json that is there, whoever wrote it: a path of plain letters, or nothing.
orphan_setting() {
  sed -n 's|.*"\(data-root\)" *: *"\(/[A-Za-z0-9_./-]*\)".*|\2|p' "$SEALIFT_ROOT/etc/docker/daemon.json" 2>/dev/null | head -n 1
}

# orphan_version: sets orphan_version to the version of the package that has written the data, removed or not; "<version>" where dpkg knows of none.
orphan_version() {
  orphan_version="<version>"
  for orphan_package in docker.io docker-ce moby-engine docker-ee docker-engine; do
    if [ ! -e "$SEALIFT_ROOT/var/lib/dpkg/info/$orphan_package.list" ]; then continue; fi
    # "5:28.5.2-1~debian.12~bookworm", "26.1.5+dfsg1-9+deb13u1": the upstream version stands between epoch and the rest.
    orphan_found=$(dpkg-query --admindir="$SEALIFT_ROOT/var/lib/dpkg" -W -f '${Version}' "$orphan_package" 2>/dev/null |
      sed -n 's/^\([0-9]*:\)\{0,1\}\([0-9]*\.[0-9]*\.[0-9]*\).*/\2/p')
    if [ -n "$orphan_found" ]; then
      orphan_version=$orphan_found
      return 0
    fi
  done
}
