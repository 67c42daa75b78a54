#!/bin/sh
# A kernel without a folder of modules has built in what it has: its configuration tells modprobe(8) of a container.
# usage: builtin-modules.sh <root of the container>
set -eu

modules=$1/lib/modules/$(uname -r)
# The last file that is made; a power cut may have left the folder without it.
[ ! -e "$modules/modules.dep.bin" ] || exit 0
mkdir -p "$modules"
gzip -dc /proc/config.gz >"$modules/config"
while read -r option name; do
  if grep -q "^CONFIG_$option=y" "$modules/config"; then echo "kernel/$name.ko"; fi
done >"$modules/modules.builtin" <<END
OVERLAY_FS overlay
XFS_FS xfs
EXT4_FS ext4
BRIDGE bridge
BRIDGE_NETFILTER br_netfilter
VETH veth
VXLAN vxlan
NF_CONNTRACK nf_conntrack
NF_NAT nf_nat
NF_TABLES nf_tables
NFT_COMPAT nft_compat
NFT_NAT nft_chain_nat
NETFILTER_XT_MATCH_ADDRTYPE xt_addrtype
NETFILTER_XT_MATCH_CONNTRACK xt_conntrack
NETFILTER_XT_TARGET_MASQUERADE xt_MASQUERADE
NETFILTER_XT_NAT xt_nat
IP_NF_FILTER iptable_filter
IP_NF_NAT iptable_nat
IP_NF_MANGLE iptable_mangle
IP_NF_RAW iptable_raw
END
: >"$modules/modules.order"
: >"$modules/modules.builtin.modinfo"
chroot "$1" depmod "$(uname -r)"
sync -f "$1"
