/** Rules of container logs: which options a driver takes. Source: ValidateLogOpts of each driver, moby daemon/logger 29.7.2. */
import { closest, distance } from "fastest-levenshtein";
import type { Problem } from "../errors.ts";
import { shown } from "../shown.ts";
import { engineBefore, text, texts, type DaemonHost } from "./daemon-host.ts";

/** What every driver takes, and what every one that cannot read its logs back takes for the cache beside it. */
const everywhere = ["mode", "max-buffer-size"];
const cache = ["cache-disabled", "cache-max-size", "cache-max-file", "cache-compress"];
const attributes = ["env", "env-regex", "labels", "labels-regex", "tag"];

const prefixed = (prefix: string, ...names: string[]): string[] => names.map((name) => `${prefix}-${name}`);

const optionsOf: Readonly<Record<string, readonly string[]>> = {
  local: ["max-size", "max-file", "compress", ...attributes],
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
    ...attributes,
    ...cache,
    ...prefixed("gcp", "project", "log-cmd", "meta-zone", "meta-name", "meta-id"),
  ],
  none: [],
};

/** Options that a driver has only from an engine on, by driver and option. Tags of moby/moby, 26.1.0 to 29.7.2. */
const optionsSince: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  local: Object.fromEntries(attributes.map((name) => [name, "29.5.0"])),
  gcplogs: { tag: "29.5.0" },
  fluentd: { "fluentd-write-timeout": "28.2.0", "fluentd-read-timeout": "29.0.0" },
};

/** Options without which a driver does not even let the daemon start. */
const needed: Readonly<Record<string, string>> = { awslogs: "awslogs-group", gelf: "gelf-address" };

export function logRules(site: DaemonHost): readonly Problem[] {
  const { host, tell } = site;
  const driver = text(host, "log-driver") ?? "local";
  const options = texts(host, "log-opts");
  const known = driver === "none" ? [] : [...(optionsOf[driver] ?? []), ...everywhere];
  const unknown = Object.keys(options)
    .filter((key) => !known.includes(key))
    .map((key) => wrongOption(site, driver, key, known));
  const early = Object.keys(options).flatMap((key) => earlyOption(site, driver, key));
  const missing = needed[driver];
  return [
    ...unknown,
    ...early,
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
    ...together(site, driver, options),
    ...formats(site, options),
  ];
}

function earlyOption({ host, tell }: DaemonHost, driver: string, key: string): Problem[] {
  const since = optionsSince[driver]?.[key];
  const { version } = host.engine;
  if (since === undefined || !engineBefore(version, since)) return [];
  const got = `the key "${key}" of log-driver ${driver} for engine ${version ?? ""}`;
  const expected = `an engine from ${since} on`;
  return [tell(["log-opts", key], "E_KEY_VERSION", got, expected, "remove the key, or take such an engine")];
}

/** Options that exclude each other, or need one another: some end the daemon, the others every container that is started. */
function together(
  { tell }: DaemonHost,
  driver: string,
  options: Readonly<Record<string, string>>,
): Problem[] {
  const has = (key: string): boolean => options[key] !== undefined;
  const scheme = /^[a-z]+/.exec(options["gelf-address"] ?? "")?.[0];
  const rotates = Number(options["max-file"] ?? (driver === "local" ? 5 : 1)) > 1;
  const compresses = (options["compress"] ?? String(driver === "local")) === "true";
  const conflicts: [holds: boolean, key: string, expected: string, todo: string][] = [
    [
      has("max-buffer-size") && options["mode"] !== "non-blocking",
      "max-buffer-size",
      'mode: "non-blocking" beside it',
      "add the mode, or remove max-buffer-size",
    ],
    [
      (driver === "local" || driver === "json-file") && compresses && !rotates,
      has("max-file") ? "max-file" : "compress",
      'at least "2" files, or compress: "false": only files that were rotated are compressed, and no container starts otherwise',
      'write compress: "false", or keep another file',
    ],
    [
      driver === "json-file" && compresses && rotates && !has("max-size"),
      "compress",
      "max-size beside it: without it nothing is rotated, and no container starts",
      "add max-size",
    ],
    ...["gelf-compression-level", "gelf-compression-type"].map((key): [boolean, string, string, string] => [
      has(key) && scheme === "tcp",
      key,
      "no compression with a gelf-address of tcp://",
      "remove it, or write udp://",
    ]),
    ...["gelf-tcp-max-reconnect", "gelf-tcp-reconnect-delay"].map(
      (key): [boolean, string, string, string] => [
        has(key) && scheme === "udp",
        key,
        "a gelf-address of tcp:// beside it",
        "remove it, or write tcp://",
      ],
    ),
    [
      has("awslogs-multiline-pattern") && has("awslogs-datetime-format"),
      "awslogs-multiline-pattern",
      "no awslogs-datetime-format beside it",
      "remove one of the two",
    ],
    [
      has("awslogs-format") && (has("awslogs-multiline-pattern") || has("awslogs-datetime-format")),
      "awslogs-format",
      "neither awslogs-multiline-pattern nor awslogs-datetime-format beside it",
      "remove awslogs-format, or the other",
    ],
  ];
  return conflicts.flatMap(([holds, key, expected, todo]) =>
    holds ? [tell(["log-opts", key], "E_CONFLICT", shown(options[key]), expected, todo)] : [],
  );
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

/** Forms of values, in the words of Go: strconv.ParseBool, time.ParseDuration, go-units. */
const truth = /^(1|t|T|TRUE|true|True|0|f|F|FALSE|false|False)$/;
const duration =
  /^(0|([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|ms|s|m|h)(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|ms|s|m|h))*)$/;
const size = /^[0-9]+(\.[0-9]+)? ?([kKmMgGtTpP]([iI]?[bB])?|[bB])?$/;
const whole = /^[0-9]{1,9}$/;
const positive = /^0*[1-9][0-9]{0,8}$/;
const facilities =
  /^(kern|user|mail|daemon|auth|syslog|lpr|news|uucp|cron|authpriv|ftp|local[0-7]|0*([0-9]|1[0-9]|2[0-3]))$/;

type Form = readonly [form: RegExp, expected: string, like: string];
const aTruth: Form = [truth, '"true" or "false"', '"true"'];
const aDuration: Form = [duration, "a time with its unit", '"1s"'];
const aSize: Form = [size, "a size", '"8m"'];
const aNumber: Form = [whole, "a whole number in quotes", '"5"'];
const aPositive: Form = [positive, "a whole number from 1 on, in quotes", '"5"'];
const anAddress = (form: RegExp, like: string): Form => [form, "an address of that driver", like];

const forms: Readonly<Record<string, Form>> = {
  "syslog-address": anAddress(
    /^((udp|tcp|tcp\+tls):\/\/[^/\s]+|unix(gram)?:\/\/\/\S+)$/,
    "tcp://logs.site:514",
  ),
  "syslog-facility": [facilities, "a facility of syslog(3), by its name or 0 to 23", '"daemon"'],
  "syslog-format": [/^(rfc3164|rfc5424|rfc5424micro)$/, "rfc3164, rfc5424 or rfc5424micro", '"rfc5424"'],
  "gelf-address": anAddress(/^(udp|tcp):\/\/[^/\s]+:\d+$/, "udp://logs.site:12201"),
  "gelf-compression-type": [/^(gzip|zlib|none)$/, "gzip, zlib or none", '"gzip"'],
  "gelf-compression-level": [/^(-1|[0-9])$/, '"-1" to "9"', '"1"'],
  "gelf-tcp-max-reconnect": aNumber,
  "gelf-tcp-reconnect-delay": aNumber,
  "fluentd-address": anAddress(/^((tcp|tls):\/\/)?[^/\s]+(:\d+)?$|^unix:\/\/\/\S+$/, "tcp://logs.site:24224"),
  "fluentd-async": aTruth,
  "fluentd-request-ack": aTruth,
  "fluentd-sub-second-precision": aTruth,
  "fluentd-async-reconnect-interval": [
    /^(0|[1-9][0-9]{2,3}ms|10000ms|([1-9]|10)s)$/,
    "0, or 100ms to 10s",
    '"500ms"',
  ],
  "fluentd-retry-wait": aDuration,
  "fluentd-read-timeout": aDuration,
  "fluentd-write-timeout": aDuration,
  "fluentd-buffer-limit": aSize,
  "fluentd-max-retries": aNumber,
  "awslogs-create-group": aTruth,
  "awslogs-create-stream": aTruth,
  "awslogs-force-flush-interval-seconds": aPositive,
  "awslogs-max-buffered-events": aPositive,
  "awslogs-format": [/^json\/emf$/, "json/emf", '"json/emf"'],
  "splunk-url": anAddress(/^https?:\/\/[^/\s@]+$/, "https://logs.site:8088"),
  "splunk-insecureskipverify": aTruth,
  "splunk-verify-connection": aTruth,
  "splunk-gzip": aTruth,
  "splunk-gzip-level": [/^(-1|[0-9])$/, '"-1" to "9"', '"1"'],
  "splunk-index-acknowledgment": aTruth,
  "splunk-format": [/^(inline|json|raw)$/, "inline, json or raw", '"json"'],
  "gcp-log-cmd": aTruth,
  "cache-disabled": aTruth,
  "cache-compress": aTruth,
  "cache-max-size": aSize,
  "cache-max-file": aPositive,
};

/** A wrong value ends the daemon when it starts, or the first container: too late. */
function formats({ tell }: DaemonHost, options: Readonly<Record<string, string>>): Problem[] {
  return Object.entries(options).flatMap(([key, value]) => {
    const [form, expected = "", like = ""] = forms[key] ?? [];
    if (form === undefined || form.test(value)) return [];
    return [tell(["log-opts", key], "E_VALUE", shown(value), expected, `write it like ${like}`)];
  });
}
