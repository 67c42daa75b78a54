# The permitted form of a registry's CA: a certificate that can certify the one name and the one address of that registry and nothing else.
# The host that creates it and every host that trusts it compare it byte for byte, because the text that programs print about a certificate
# can be forged by the certificate.

# ca_text BASE64...: prints PEM, which every certificate reader accepts, from base64 of DER.
ca_text() {
  for text_one; do
    echo "-----BEGIN CERTIFICATE-----"
    printf '%s\n' "$text_one" | fold -w 64
    echo "-----END CERTIFICATE-----"
  done
}

# ca_base64 FILE: prints the first certificate of a PEM file as base64 of DER.
ca_base64() { sed '/^-----END/q' "$1" | sed '/^-----/d' | tr -d '\n'; }

# ca_pem WORD...: prints the certificates of words PREFIX:BASE64 as PEM.
ca_pem() {
  for pem_one; do ca_text "${pem_one#*:}"; done
}

# ca_each FILE: prints all certificates of a PEM file, one per line, as base64 of DER.
ca_each() {
  head -c 65536 "$1" 2>/dev/null | awk '/^-----BEGIN CERTIFICATE/ { text = ""; on = 1; next } /^-----END/ { if (on) print text; on = 0 } on { text = text $0 }'
}

# ca_follows FILE NAME ADDRESS WORD...: refuses a CA of the registry host ADDRESS other than the one in FILE, which this host trusts, unless
# the site names it: a registry announces its next CA long before that CA signs. A WORD is ADDRESS:CERTIFICATE, named,ADDRESS:CERTIFICATE or
# the certificate alone; those of other hosts are ignored.
ca_follows() {
  follows_file=$1
  follows_name=$2
  follows_address=$3
  shift 3
  follows_known=
  for follows_one in $(ca_each "$follows_file"); do
    if [ "$(ca_shape "$follows_one" "$follows_name" "$follows_address")" != other ]; then follows_known="$follows_known $follows_one"; fi
  done
  if [ -z "$follows_known" ]; then return 0; fi
  follows_shown=
  for follows_one; do
    case $follows_one in
      "named,$follows_address":*) return 0 ;;
      "$follows_address":*) ;;
      *:*) continue ;;
    esac
    case "$follows_known " in *" ${follows_one##*:} "*) return 0 ;; esac
    follows_shown="$follows_shown, $(ca_sha256 "${follows_one##*:}")"
  done
  if [ -z "$follows_shown" ]; then return 0; fi
  follows_known=${follows_known# }
  refuse E_REGISTRY_CA "this host trusts the CA with sha256 $(ca_sha256 "${follows_known%% *}"), but the registry on $follows_address now presents ${follows_shown#, }" \
    "treat this as a possible man-in-the-middle attack until you know why the CA changed; if the change was intended, set registry.caSha256 to the new sha256"
}

# ca_shape BASE64 NAME ADDRESS: prints right, earlier (created by an earlier Sealift: also valid for subdomains, mail and TLS clients) or
# other. RFC 5280, 4.1 and 4.2; ca-shape.ts does the same on the operator's machine.
ca_shape() {
  printf '%s' "$1" | head -c 8192 | base64 -d 2>/dev/null | od -An -v -tx1 | tr -d ' \n' | awk -v name="$2" -v address="$3" '
    # Reads the element at p: its tag, and where its value begins and ends. Lengths are in DER form.
    function element(p,   first, digits) {
      tag = substr(hex, p, 2)
      first = number(substr(hex, p + 2, 2))
      digits = first < 128 ? 0 : first == 129 ? 2 : first == 130 ? 4 : -1
      if (digits < 0) return begin = end = 0
      begin = p + 4 + digits
      size = digits == 0 ? first : number(substr(hex, p + 4, digits))
      end = begin + 2 * size
      if (end > limit || (digits == 2 && size < 128) || (digits == 4 && size < 256)) return begin = end = 0
      return end
    }
    function number(text,   i, sum) {
      for (i = 1; i <= length(text); i++) sum = 16 * sum + index("0123456789abcdef", substr(text, i, 1)) - 1
      return sum
    }
    function made(tag, value,   size) {
      size = length(value) / 2
      return tag (size < 128 ? sprintf("%02x", size) : size < 256 ? sprintf("81%02x", size) : sprintf("82%04x", size)) value
    }
    function coded(text,   i, out) {
      for (i = 1; i <= length(text); i++) out = out sprintf("%02x", code[substr(text, i, 1)])
      return out
    }
    function verdict(what) { print what; done = 1; exit }
    BEGIN { for (i = 1; i < 128; i++) code[sprintf("%c", i)] = i }
    {
      hex = $0
      limit = length(hex) + 1
      split(address, part, ".")
      host = sprintf("%02x%02x%02x%02xffffffff", part[1], part[2], part[3], part[4])
      names = made("30", made("82", coded(name))) made("30", made("87", host))
      others = made("30", made("81", coded("invalid"))) made("30", made("86", coded("invalid")))
      below = made("30", made("82", coded("." name)))
      constraints = "0603551d1e0101ff"
      earlier = made("30", constraints made("04", made("30", made("a0", names))))
      right = made("30", constraints made("04", made("30", made("a0", names others) made("a1", below))))
      if (!element(1) || tag != "30" || end != limit) verdict("other")
      if (!element(begin) || tag != "30") verdict("other")
      last = end
      p = begin
      # Version 3, then serial, algorithm, issuer, validity, subject and key.
      if (substr(hex, p, 10) != "a003020102") verdict("other")
      p += 10
      for (i = 1; i <= 6; i++) {
        if (!element(p) || tag != (i == 1 ? "02" : "30")) verdict("other")
        p = end
      }
      if (!element(p) || tag != "a3" || end != last) verdict("other")
      if (!element(begin) || tag != "30" || end != last) verdict("other")
      for (p = begin; p < last; p = end) {
        if (!element(p) || end > last) verdict("other")
        one = substr(hex, p, end - p)
        # The key identifier does not affect what the CA may certify.
        if (one ~ /^301d0603551d0e04160414/ && length(one) == 62) one = "key"
        seen[one]++
        count++
      }
      basic = seen["30120603551d130101ff040830060101ff020100"] == 1 && seen["300e0603551d0f0101ff040403020106"] == 1 && seen["key"] == 1
      if (basic && count == 5 && seen["30130603551d25040c300a06082b06010505070301"] == 1 && seen[right] == 1) verdict("right")
      if (basic && count == 4 && seen[earlier] == 1) verdict("earlier")
    }
    END { if (!done) print "other" }'
}

# ca_read BASE64: whether openssl can read it: ca_shape does not check key and signature.
ca_read() { ca_text "$1" | openssl x509 -noout 2>/dev/null; }

# ca_sha256 BASE64: prints the fingerprint like `openssl x509 -fingerprint -sha256`, in lower case without colons.
ca_sha256() {
  printf '%s' "$1" | base64 -d 2>/dev/null | sha256sum | cut -d ' ' -f 1
}
