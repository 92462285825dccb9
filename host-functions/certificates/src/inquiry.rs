//! How an authority is asked about a certificate.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use x509_parser::extensions::ParsedExtension;

use crate::describe::parse;

/// The longest key identifier and serial number, in bytes. Authorities use 20 (RFC 5280).
const MOST_BYTES: usize = 64;

/// A certificate in the words of RFC 9773: the key identifier of its authority and its serial number, both in base64url with
/// a dot between. `None` if it is damaged, or has no key identifier or an unusually long one.
pub fn certificate_id(der: &[u8]) -> Option<String> {
    let certificate = parse(der)?;
    let authority = certificate.extensions().iter().find_map(|extension| match extension.parsed_extension() {
        ParsedExtension::AuthorityKeyIdentifier(found) => found.key_identifier.as_ref(),
        _ => None,
    })?;
    // With the zero in front of a number whose first bit is set, as it is in the certificate.
    let serial = certificate.tbs_certificate.raw_serial();
    let is_usual = |bytes: &[u8]| !bytes.is_empty() && bytes.len() <= MOST_BYTES;
    let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    (is_usual(authority.0) && is_usual(serial)).then(|| format!("{}.{}", text(authority.0), text(serial)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject as _;

    use super::*;

    /// Appendix A of RFC 9773.
    const EXAMPLE: &str = "-----BEGIN CERTIFICATE-----
MIIBQzCB66ADAgECAgUAh2VDITAKBggqhkjOPQQDAjAVMRMwEQYDVQQDEwpFeGFt
cGxlIENBMCIYDzAwMDEwMTAxMDAwMDAwWhgPMDAwMTAxMDEwMDAwMDBaMBYxFDAS
BgNVBAMTC2V4YW1wbGUuY29tMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEeBZu
7cbpAYNXZLbbh8rNIzuOoqOOtmxA1v7cRm//AwyMwWxyHz4zfwmBhcSrf47NUAFf
qzLQ2PPQxdTXREYEnKMjMCEwHwYDVR0jBBgwFoAUaYhba4dGQEHhs3uEe6CuLN4B
yNQwCgYIKoZIzj0EAwIDRwAwRAIge09+S5TZAlw5tgtiVvuERV6cT4mfutXIlwTb
+FYN/8oCIClDsqBklhB9KAelFiYt9+6FDj3z4KGVelYM5MdsO3pK
-----END CERTIFICATE-----
";

    #[test]
    fn a_certificate_is_named_as_in_the_standard() {
        let example = CertificateDer::from_pem_slice(EXAMPLE.as_bytes()).unwrap();
        assert_eq!(certificate_id(&example).unwrap(), "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE");
        assert_eq!(certificate_id(example.split_last().unwrap().1), None);
        let without = ansai_harness::pki::Authority::root("ansai test", ansai_harness::pki::LONG);
        let without = CertificateDer::from_pem_slice(without.pem.as_bytes()).unwrap();
        assert_eq!(certificate_id(&without), None, "an authority that signs itself need not name its key");
    }
}
