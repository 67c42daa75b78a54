/** The CA of the registry registry.site on 10.20.0.11, as a registry host makes one, as base64 of DER; its key is gone. */
export const authorityBase64 = [
  "MIICHDCCAcGgAwIBAgIUQoe/LlQvnWVjNsoitnVIpAr3UnAwCgYIKoZIzj0EAwIwMzExMC8GA1UEAwwoU2VhbGlmdCByZWdpc3RyeSBy",
  "ZWdpc3RyeS5zaXRlIG9uIG5vZGUtYTAeFw0yNjExMjkwNDM0MDhaFw0zNjExMjYwNDM0MDhaMDMxMTAvBgNVBAMMKFNlYWxpZnQgcmVn",
  "aXN0cnkgcmVnaXN0cnkuc2l0ZSBvbiBub2RlLWEwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAS+budfQW3GlvlPTFC3YnvCUNxRjfYV",
  "W588w+D9GgbOp7xnYAW1M+elkHGtulnMe2jiYsQW73/t7CYGzOuv24WBo4GyMIGvMBIGA1UdEwEB/wQIMAYBAf8CAQAwDgYDVR0PAQH/",
  "BAQDAgEGMBMGA1UdJQQMMAoGCCsGAQUFBwMBMB0GA1UdDgQWBBQrFPSJ6y5W+MfbXQVc68lL//M8hDBVBgNVHR4BAf8ESzBJoDMwD4IN",
  "cmVnaXN0cnkuc2l0ZTAKhwgKFAAL/////zAJgQdpbnZhbGlkMAmGB2ludmFsaWShEjAQgg4ucmVnaXN0cnkuc2l0ZTAKBggqhkjOPQQD",
  "AgNJADBGAiEA4oCXu/NCxktZkmBiMOhdukqLpESscNUSPJNmhK5w6xgCIQDlq/yDulUub9FAXznUOKGYgN2MrSO/x6k2K1jolfz2wg==",
].join("");
