/** Which files of which packages an image consists of. */

/** Packages of one kind, and the paths that are taken out of each. */
export interface Part {
  readonly packages: readonly string[];
  readonly keep: RegExp;
}

const libraries = /^usr\/lib(64)?\/([a-z0-9_]+-linux-gnu\/)?[^/]+\.so[^/]*$/;

const base: readonly Part[] = [
  { packages: ["libc6", "libgcc-s1"], keep: libraries },
  { packages: ["busybox-static"], keep: /^usr\/bin\/busybox$/ },
];

/** Without its compiler of queries, which is larger than all the rest. */
export const postgres: readonly Part[] = [
  ...base,
  {
    packages: [
      ...["libacl1", "libaudit1", "libcap-ng0", "libcap2", "libcom-err2", "libcrypt1", "libedit2", "libffi8"],
      ...["libgssapi-krb5-2", "libicu76", "libk5crypto3", "libkeyutils1", "libkrb5-3", "libkrb5support0"],
      ...["libldap2", "liblz4-1", "liblzma5", "libpam0g", "libpq5", "libreadline8t64", "libsasl2-2"],
      ...["libselinux1", "libssl3t64", "libstdc++6", "libsystemd0", "libtinfo6", "libuuid1", "libxml2"],
      ...["libxslt1.1", "libxxhash0", "libzstd1", "libpcre2-8-0", "zlib1g", "libmd0", "libbsd0"],
    ],
    keep: libraries,
  },
  { packages: ["tzdata"], keep: /^usr\/share\/zoneinfo\/(Etc\/)?(UTC|GMT)$/ },
  {
    packages: ["postgresql-17"],
    keep: /^usr\/(lib\/postgresql\/17\/(bin\/|lib\/(?!bitcode|llvmjit))|share\/postgresql\/17\/(?!man\/))/,
  },
  {
    packages: ["postgresql-client-17"],
    keep: /^usr\/lib\/postgresql\/17\/bin\/(psql|pg_isready|pg_dump|pg_dumpall|pg_restore)$/,
  },
];

export const mariadb: readonly Part[] = [
  ...base,
  {
    packages: [
      ...["libaio1t64", "libcap2", "libcrypt1", "libedit2", "libmd0", "libbsd0", "libncurses6", "libnuma1"],
      ...["libpcre2-8-0", "libssl3t64", "libstdc++6", "libsystemd0", "libtinfo6", "liburing2", "libzstd1"],
      ...["zlib1g"],
    ],
    keep: libraries,
  },
  {
    packages: ["mariadb-server-core"],
    keep: /^usr\/(sbin\/mariadbd|bin\/(mariadb-install-db|resolveip)|share\/mariadb\/(charsets\/|english\/|[^/]+\.sql))/,
  },
  { packages: ["mariadb-client-core"], keep: /^usr\/bin\/(mariadb|my_print_defaults)$/ },
  { packages: ["mariadb-client"], keep: /^usr\/bin\/mariadb-(admin|check|dump)$/ },
];

export const redis: readonly Part[] = [
  ...base,
  {
    packages: [
      ...["libatomic1", "libstdc++6", "libjemalloc2", "liblzf1", "libssl3t64", "libsystemd0", "libzstd1"],
      ...["zlib1g", "libcap2"],
    ],
    keep: libraries,
  },
  { packages: ["redis-tools"], keep: /^usr\/bin\/redis-(cli|check-rdb|check-aof)$/ },
  { packages: ["redis-server"], keep: /^usr\/bin\/redis-server$/ },
];

export const nginx: readonly Part[] = [
  ...base,
  { packages: ["libcrypt1", "libpcre2-8-0", "libssl3t64", "libzstd1", "zlib1g"], keep: libraries },
  { packages: ["nginx"], keep: /^usr\/sbin\/nginx$/ },
  { packages: ["nginx-common"], keep: /^etc\/nginx\/mime\.types$/ },
];

export const busybox: readonly Part[] = base.slice(1);
