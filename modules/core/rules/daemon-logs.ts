/** Rules of container logs: which options a driver takes. Source: ValidateLogOpts of each driver, moby daemon/logger 29.7.2. */
import { closest, distance } from "fastest-levenshtein";
import type { Problem } from "../errors.ts";
import { shown } from "../shown.ts";
import { text, texts, type DaemonHost } from "./daemon-host.ts";

/** What every driver takes, and what every one that cannot read its logs back takes for the cache beside it. */
const everywhere = ["mode", "max-buffer-size"];
const cache = ["cache-disabled", "cache-max-size", "cache-max-file", "cache-compress"];
const attributes = ["env", "env-regex", "labels", "labels-regex", "tag"];

const prefixed = (prefix: string, ...names: string[]): string[] => names.map((name) => `${prefix}-${name}`);

const optionsOf: Readonly<Record<string, readonly string[]>> = {
  local: ["max-size", "max-file", "compress"],
  "json-file": ["max-size", "max-file", "compress", ...attributes],
  journald: attributes,
  syslog: [
    ...attributes,
    ...cache,
    ...prefixed(
      "syslog",
      "address",
      "facility",
      "format",
      "tls-ca-cert",
      "tls-cert",
      "tls-key",
      "tls-skip-verify",
    ),
  ],
  fluentd: [
    ...attributes,
    ...cache,
    ...prefixed("fluentd", "address", "async", "async-reconnect-interval", "buffer-limit", "max-retries"),
    ...prefixed(
      "fluentd",
      "request-ack",
      "retry-wait",
      "sub-second-precision",
      "read-timeout",
      "write-timeout",
    ),
  ],
  gelf: [
    ...attributes,
    ...cache,
    ...prefixed(
      "gelf",
      "address",
      "compression-level",
      "compression-type",
      "tcp-max-reconnect",
      "tcp-reconnect-delay",
    ),
  ],
  awslogs: [
    "tag",
    ...cache,
    ...prefixed(
      "awslogs",
      "region",
      "endpoint",
      "group",
      "stream",
      "create-group",
      "create-stream",
      "format",
    ),
    ...prefixed("awslogs", "datetime-format", "multiline-pattern", "credentials-endpoint"),
    ...prefixed("awslogs", "force-flush-interval-seconds", "max-buffered-events"),
  ],
  splunk: [
    ...attributes,
    ...cache,
    ...prefixed(
      "splunk",
      "url",
      "source",
      "sourcetype",
      "index",
      "capath",
      "caname",
      "insecureskipverify",
      "format",
    ),
    ...prefixed("splunk", "verify-connection", "gzip", "gzip-level", "index-acknowledgment"),
  ],
  gcplogs: [
    ...attributes.filter((name) => name !== "tag"),
    ...cache,
    ...prefixed("gcp", "project", "log-cmd", "meta-zone", "meta-name", "meta-id"),
  ],
  none: [],
};

/** Options without which a driver cannot start a container. */
const needed: Readonly<Record<string, string>> = { awslogs: "awslogs-group" };

export function logRules(site: DaemonHost): readonly Problem[] {
  const { host, tell } = site;
  const driver = text(host, "log-driver") ?? "local";
  const options = texts(host, "log-opts");
  const known = driver === "none" ? [] : [...(optionsOf[driver] ?? []), ...everywhere];
  const unknown = Object.keys(options)
    .filter((key) => !known.includes(key))
    .map((key) => wrongOption(site, driver, key, known));
  const missing = needed[driver];
  const buffered = options["max-buffer-size"] !== undefined && options["mode"] !== "non-blocking";
  return [
    ...unknown,
    ...(missing === undefined || options[missing] !== undefined
      ? []
      : [
          tell(
            ["log-opts"],
            "E_KEY_MISSING",
            shown(options),
            `${missing} with log-driver ${driver}`,
            "add it",
          ),
        ]),
    ...(buffered
      ? [
          tell(
            ["log-opts", "max-buffer-size"],
            "E_CONFLICT",
            shown(options["max-buffer-size"]),
            'mode: "non-blocking" beside it',
            "add the mode, or remove max-buffer-size",
          ),
        ]
      : []),
    ...formats(site, options),
  ];
}

function wrongOption({ tell }: DaemonHost, driver: string, key: string, known: readonly string[]): Problem {
  const at = ["log-opts", key];
  if (key === "splunk-token") {
    const expected = "no secret in daemon.json, which every user of the host can read";
    const todo = "give the token with each container's own --log-opt, or send to a forwarder on the host";
    return tell(at, "E_SECRET", "a token", expected, todo);
  }
  const near = known.length === 0 ? "" : closest(key, known);
  const slip = near !== "" && distance(key, near) <= Math.max(key.length, near.length) / 3;
  const expected =
    known.length === 0 ? `no log-opts with log-driver ${driver}` : `one of ${known.join(", ")}`;
  const todo = slip ? `did you mean "${near}"?` : `remove it: log-driver ${driver} does not take it`;
  return tell(at, "E_KEY_UNKNOWN", `the key "${key}"`, expected, todo);
}

/** Addresses are tried when the daemon starts, or when the first container does: too late. */
function formats({ tell }: DaemonHost, options: Readonly<Record<string, string>>): Problem[] {
  const forms: readonly [key: string, form: RegExp, like: string][] = [
    ["syslog-address", /^((udp|tcp|tcp\+tls):\/\/[^/\s]+|unix(gram)?:\/\/\/\S+)$/, "tcp://logs.site:514"],
    ["gelf-address", /^(udp|tcp):\/\/[^/\s]+:\d+$/, "udp://logs.site:12201"],
    ["fluentd-address", /^((tcp|tls):\/\/)?[^/\s]+(:\d+)?$|^unix:\/\/\/\S+$/, "tcp://logs.site:24224"],
    ["splunk-url", /^https?:\/\/[^/\s@]+$/, "https://logs.site:8088"],
  ];
  return forms.flatMap(([key, form, like]) => {
    const value = options[key];
    if (value === undefined || form.test(value)) return [];
    return [
      tell(["log-opts", key], "E_VALUE", shown(value), "an address of that driver", `write it like ${like}`),
    ];
  });
}
