use super::*;

#[test]
fn shares_the_default_configuration() {
    let (one, other) =
        (TlsOptions::default().build().unwrap(), TlsOptions::default().build().unwrap());
    assert!(Arc::ptr_eq(&one, &other));
}

#[test]
fn refuses_unusable_options_by_their_path() {
    let garbage = Some(b"garbage".to_vec());
    let broken = Some(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_vec());
    let rows = [
        (
            "ca is no PEM",
            TlsOptions { ca: garbage.clone(), ..TlsOptions::default() },
            "socketOptions.ca: ",
        ),
        (
            "ca is no certificate",
            TlsOptions { ca: broken, ..TlsOptions::default() },
            "socketOptions.ca: ",
        ),
        (
            "cert without key",
            TlsOptions { cert: garbage.clone(), ..TlsOptions::default() },
            "socketOptions.cert: ",
        ),
        (
            "key without cert",
            TlsOptions { key: garbage.clone(), ..TlsOptions::default() },
            "socketOptions.key: ",
        ),
        (
            "cert is no PEM",
            TlsOptions { cert: garbage.clone(), key: garbage, ..TlsOptions::default() },
            "socketOptions.cert: ",
        ),
    ];
    for (label, options, path) in rows {
        let error = options.build().expect_err(label);
        assert_eq!(error.code, ErrorCode::InvalidOption, "{label}");
        assert!(error.message.starts_with(path), "{label}: {}", error.message);
    }
}
