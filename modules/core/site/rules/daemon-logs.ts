/** Rules for container logs: the options of each driver. Source: ValidateLogOpts of each driver, moby daemon/logger 29.7.2. */
import type { Problem } from "../../errors.ts";
import { nearest } from "../../document/nearest.ts";
import { shown } from "../../shown.ts";
import { engineBefore, text, texts, type DaemonHost } from "./daemon-host.ts";

/** Options of every driver, and of the local cache of every driver that cannot read its logs back. */
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

/** The first engine version of options that were added later, by driver and option. Tags of moby/moby, 26.1.0 to 29.7.2. */
const optionsSince: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  local: Object.fromEntries(attributes.map((name) => [name, "29.5.0"])),
  gcplogs: { tag: "29.5.0" },
  fluentd: { "fluentd-write-timeout": "28.2.0", "fluentd-read-timeout": "29.0.0" },
};

/** Options without which the daemon does not start. */
const needed: Readonly<Record<string, string>> = { awslogs: "awslogs-group", gelf: "gelf-address" };

export function logRules(site: DaemonHost): readonly Problem[] {
  const { host, report } = site;
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
          report(
            ["log-opts"],
            "E_KEY_MISSING",
            shown(options),
            `the option ${missing}, which log-driver ${driver} requires`,
            `add ${missing}`,
          ),
        ]),
    ...together(site, driver, options),
    ...formats(site, options),
  ];
}

function earlyOption({ host, report }: DaemonHost, driver: string, key: string): Problem[] {
  const since = optionsSince[driver]?.[key];
  const { version } = host.engine;
  if (since === undefined || !engineBefore(version, since)) return [];
  const found = `key "${key}" of log-driver ${driver} with engine ${version ?? ""}`;
  const expected = `engine ${since} or later`;
  return [
    report(
      ["log-opts", key],
      "E_KEY_VERSION",
      found,
      expected,
      "remove the key, or choose that engine version or a later one",
    ),
  ];
}

/** Options that exclude or require each other: some stop the daemon at start, others every new container. */
function together(
  { report }: DaemonHost,
  driver: string,
  options: Readonly<Record<string, string>>,
): Problem[] {
  const has = (key: string): boolean => options[key] !== undefined;
  const scheme = /^[a-z]+/.exec(options["gelf-address"] ?? "")?.[0];
  const rotates = Number(options["max-file"] ?? (driver === "local" ? 5 : 1)) > 1;
  const compresses = (options["compress"] ?? String(driver === "local")) === "true";
  const conflicts: [holds: boolean, key: string, expected: string, fix: string][] = [
    [
      has("max-buffer-size") && options["mode"] !== "non-blocking",
      "max-buffer-size",
      'mode: "non-blocking" together with it',
      'set mode: "non-blocking", or remove max-buffer-size',
    ],
    [
      (driver === "local" || driver === "json-file") && compresses && !rotates,
      has("max-file") ? "max-file" : "compress",
      'at least "2" files, or compress: "false": only rotated files are compressed, and otherwise no container starts',
      'set compress: "false", or max-file: "2" or more',
    ],
    ...["gelf-compression-level", "gelf-compression-type"].map((key): [boolean, string, string, string] => [
      has(key) && scheme === "tcp",
      key,
      "no compression with a gelf-address of tcp://",
      "remove it, or use udp://",
    ]),
    ...["gelf-tcp-max-reconnect", "gelf-tcp-reconnect-delay"].map(
      (key): [boolean, string, string, string] => [
        has(key) && scheme === "udp",
        key,
        "a gelf-address of tcp:// together with it",
        "remove it, or use tcp://",
      ],
    ),
    [
      has("awslogs-multiline-pattern") && has("awslogs-datetime-format"),
      "awslogs-multiline-pattern",
      "no awslogs-datetime-format together with it",
      "remove one of the two",
    ],
    [
      has("awslogs-format") && (has("awslogs-multiline-pattern") || has("awslogs-datetime-format")),
      "awslogs-format",
      "neither awslogs-multiline-pattern nor awslogs-datetime-format together with it",
      "remove awslogs-format or the other option",
    ],
  ];
  return conflicts.flatMap(([holds, key, expected, fix]) =>
    holds ? [report(["log-opts", key], "E_CONFLICT", shown(options[key]), expected, fix)] : [],
  );
}

function wrongOption({ report }: DaemonHost, driver: string, key: string, known: readonly string[]): Problem {
  const at = ["log-opts", key];
  if (key === "splunk-token") {
    const expected = "no secret in daemon.json, which every user on the host can read";
    const fix = "set the token with --log-opt of each container, or send logs to a forwarder on the host";
    return report(at, "E_SECRET", "a token", expected, fix);
  }
  const near = nearest(key, known);
  const expected =
    known.length === 0 ? `no log-opts with log-driver ${driver}` : `one of ${known.join(", ")}`;
  const fix =
    near === undefined
      ? `remove it: log-driver ${driver} does not support it`
      : `did you mean "${near}"? Otherwise remove it`;
  return report(at, "E_KEY_UNKNOWN", `the key "${key}"`, expected, fix);
}

/** Formats of values as Go parses them: strconv.ParseBool, time.ParseDuration, go-units. */
const truth = /^(1|t|T|TRUE|true|True|0|f|F|FALSE|false|False)$/;
const duration =
  /^(0|([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|ms|s|m|h)(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|ms|s|m|h))*)$/;
const size = /^[0-9]+(\.[0-9]+)? ?([kKmMgGtTpP]([iI]?[bB])?|[bB])?$/;
const wholeNumber = /^[0-9]{1,9}$/;
const positive = /^0*[1-9][0-9]{0,8}$/;
const facilities =
  /^(kern|user|mail|daemon|auth|syslog|lpr|news|uucp|cron|authpriv|ftp|local[0-7]|0*([0-9]|1[0-9]|2[0-3]))$/;

type Form = readonly [form: { test: (value: string) => boolean }, expected: string, like: string];
const aTruth: Form = [truth, '"true" or "false"', '"true"'];
const aDuration: Form = [duration, "a duration with a unit", '"1s"'];
const aSize: Form = [size, "a size", '"8m"'];
const aNumber: Form = [wholeNumber, "an integer in quotes", '"5"'];
const aPositive: Form = [positive, "an integer of at least 1, in quotes", '"5"'];
const aPattern: Form = [
  { test: isGoPattern },
  "a regular expression of Go, which has neither lookaround nor backreferences",
  '"^(team|app)"',
];
const aTag: Form = [
  { test: isTag },
  "a template of Go with fields of the container: without one, no container starts",
  '"{{.Name}}"',
];
const anAddress = (form: RegExp, like: string): Form => [form, "an address that this driver supports", like];

const forms: Readonly<Record<string, Form>> = {
  "env-regex": aPattern,
  "labels-regex": aPattern,
  tag: aTag,
  "syslog-address": anAddress(
    /^((udp|tcp|tcp\+tls):\/\/[^/\s]+|unix(gram)?:\/\/\/\S+)$/,
    "tcp://logs.site:514",
  ),
  "syslog-facility": [facilities, "a facility of syslog(3), by name or by number from 0 to 23", '"daemon"'],
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

/**
 * Whether Go compiles it, as far as JavaScript can tell, which writes flags and names of groups otherwise. Source: regexp/syntax of Go 1.25. The engine
 * compiles it for each new container.
 */
function isGoPattern(value: string): boolean {
  const bare = value.replaceAll("\\\\", "");
  if (/\(\?(=|!|<=|<!)|\\[1-9]/.test(bare)) return false;
  const [flags, opened] = [/\(\?[imsU-]{1,9}\)/g, /\(\?[imsU-]{1,9}:/g];
  try {
    return (
      RegExp(bare.replaceAll(flags, "").replaceAll(opened, "(?:").replaceAll("(?P<", "(?<")) instanceof RegExp
    );
  } catch {
    return false;
  }
}

/** What a template may name: moby daemon/logger/loginfo.go, 29.4. */
const tagFields = new Set(
  "Config ContainerID ContainerName ContainerEntrypoint ContainerArgs ContainerImageID ContainerImageName ContainerCreated ContainerEnv ContainerLabels LogPath DaemonName Hostname Command ID FullID Name ImageID ImageFullID ImageName".split(
    " ",
  ),
);

/** Whether each action is closed and, if it is a single field, names one that exists. Source: text/template of Go 1.25. */
function isTag(value: string): boolean {
  const [, ...parts] = value.split("{{");
  return parts.every((part) => {
    const end = part.indexOf("}}");
    const action = part.slice(0, Math.max(end, 0)).replace(/^- /, "").replace(/ -$/, "").trim();
    const [, field] = /^\.(\w+)$/.exec(action) ?? [];
    return end >= 0 && action !== "" && (field === undefined || tagFields.has(field));
  });
}

/** An invalid value would prevent the start of the daemon, or of the first container, which is too late. */
function formats({ report }: DaemonHost, options: Readonly<Record<string, string>>): Problem[] {
  return Object.entries(options).flatMap(([key, value]) => {
    const [form, expected = "", like = ""] = forms[key] ?? [];
    if (form === undefined || form.test(value)) return [];
    return [report(["log-opts", key], "E_VALUE", shown(value), expected, `write it like ${like}`)];
  });
}
