"""Takes the programs that filter addresses off a control group: what a kernel looks like that does not know them.

usage: detach-filter.py <folder of the control group>, as root. bpf(2); numbers of linux/bpf.h.
"""

import ctypes
import os
import struct
import sys

BPF_PROG_DETACH, BPF_PROG_GET_FD_BY_ID, BPF_PROG_QUERY = 9, 13, 16
CGROUP_INET_INGRESS, CGROUP_INET_EGRESS = 0, 1
SYS_BPF = {"x86_64": 321, "aarch64": 280}[os.uname().machine]
libc = ctypes.CDLL(None, use_errno=True)


def bpf(command, attributes):
    buffer = ctypes.create_string_buffer(attributes, 128)
    result = libc.syscall(SYS_BPF, command, buffer, 128)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result, buffer.raw


group = os.open(sys.argv[1], os.O_RDONLY | os.O_DIRECTORY)
detached = 0
for kind in (CGROUP_INET_INGRESS, CGROUP_INET_EGRESS):
    ids = (ctypes.c_uint32 * 64)()
    # target_fd, attach_type, query_flags, attach_flags, prog_ids, prog_cnt
    _, answer = bpf(BPF_PROG_QUERY, struct.pack("=IIIIQI", group, kind, 0, 0, ctypes.addressof(ids), 64))
    (count,) = struct.unpack_from("=I", answer, 24)
    for number in ids[:count]:
        program, _ = bpf(BPF_PROG_GET_FD_BY_ID, struct.pack("=III", number, 0, 0))
        # target_fd, attach_bpf_fd, attach_type, attach_flags
        bpf(BPF_PROG_DETACH, struct.pack("=IIII", group, program, kind, 0))
        detached += 1
if detached == 0:
    sys.exit("there was no program to take off")
