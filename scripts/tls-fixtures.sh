#!/usr/bin/env bash
# Makes the certificates of the TLS tests anew. They are committed, because not everybody has openssl; the keys are no
# secrets. `server` is for localhost and 127.0.0.1, `other` for another name, `client` for a client, all three signed by
# one authority; `stranger` signed itself.
set -euo pipefail
fixtures=$(cd "$(dirname "$0")/../fixtures/tls" && pwd)
cd "$(mktemp -d)"

touch index
cat >config <<'CONFIG'
[ca]
default_ca = test
[test]
database = index
new_certs_dir = .
rand_serial = yes
default_md = sha256
policy = any
unique_subject = no
# Valid whatever a computer's clock says.
default_startdate = 20000101000000Z
default_enddate = 21000101000000Z
[any]
commonName = supplied
[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical,CA:TRUE
[leaf]
basicConstraints = CA:FALSE
subjectAltName = DNS:localhost,IP:127.0.0.1
[elsewhere]
basicConstraints = CA:FALSE
subjectAltName = DNS:other.example
CONFIG

# Arguments: name, extensions, what signs.
certificate() {
  openssl ecparam -name prime256v1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt -out "$1.key"
  openssl req -new -config config -key "$1.key" -subj "/CN=$1" -out "$1.csr"
  openssl ca -batch -notext -config config -extensions "$2" -in "$1.csr" -out "$1.pem" "${@:3}"
}

certificate ca authority -selfsign -keyfile ca.key
certificate server leaf -cert ca.pem -keyfile ca.key
certificate other elsewhere -cert ca.pem -keyfile ca.key
certificate client leaf -cert ca.pem -keyfile ca.key
certificate stranger leaf -selfsign -keyfile stranger.key
rm ca.key
install -m 644 ./*.key {ca,server,other,client,stranger}.pem "$fixtures"
