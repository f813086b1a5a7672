// For tests: a certificate authority that is made on the spot, in a folder that is removed afterwards.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

namespace parley::net {

class TestCertificates {
 public:
  TestCertificates() {
    std::string name = (std::filesystem::temp_directory_path() / "parley-certificates-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no folder for a test");
    folder_ = name;
    key_ = Key(EVP_EC_gen("P-256"), EVP_PKEY_free);
    certificate_ = make("Test CA", "", key_.get(), nullptr);
    write_certificate(ca_file(), certificate_.get());
  }
  TestCertificates(const TestCertificates&) = delete;
  TestCertificates& operator=(const TestCertificates&) = delete;
  ~TestCertificates() { std::filesystem::remove_all(folder_); }

  std::string ca_file() const { return (folder_ / "ca.pem").string(); }
  struct Files {
    std::string cert;
    std::string key;
  };
  // `names` as OpenSSL writes them: "DNS:shop.test,IP:127.0.0.1,URI:spiffe://shop/orders".
  Files issue(const std::string& common_name, const std::string& names) const {
    const Key key(EVP_EC_gen("P-256"), EVP_PKEY_free);
    const Certificate certificate = make(common_name, names, key.get(), this);
    const Files files{.cert = (folder_ / (common_name + ".pem")).string(),
                      .key = (folder_ / (common_name + ".key")).string()};
    write_certificate(files.cert, certificate.get());
    FILE* out = std::fopen(files.key.c_str(), "w");
    PEM_write_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(out);
    return files;
  }

 private:
  using Key = std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)>;
  using Certificate = std::unique_ptr<X509, void (*)(X509*)>;

  static void extend(X509* certificate, X509V3_CTX& context, int what, const std::string& value) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, what, value.c_str());
    if (extension == nullptr) throw std::runtime_error("no certificate for a test: " + value);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
  }
  // `issuer` null: signed by itself.
  static Certificate make(const std::string& common_name, const std::string& names, EVP_PKEY* key,
                          const TestCertificates* issuer) {
    Certificate certificate(X509_new(), X509_free);
    X509* c = certificate.get();
    static long serial = 1;
    X509_set_version(c, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(c), serial++);
    X509_gmtime_adj(X509_getm_notBefore(c), -3600);
    X509_gmtime_adj(X509_getm_notAfter(c), 24 * 3600);
    X509_set_pubkey(c, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(c), "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(common_name.c_str()), -1, -1, 0);
    X509* signer = issuer == nullptr ? c : issuer->certificate_.get();
    X509_set_issuer_name(c, X509_get_subject_name(signer));
    X509V3_CTX context;
    X509V3_set_ctx(&context, signer, c, nullptr, nullptr, 0);
    extend(c, context, NID_basic_constraints, issuer == nullptr ? "critical,CA:TRUE" : "critical,CA:FALSE");
    if (!names.empty()) extend(c, context, NID_subject_alt_name, names);
    X509_sign(c, issuer == nullptr ? key : issuer->key_.get(), EVP_sha256());
    return certificate;
  }
  static void write_certificate(const std::string& file, X509* certificate) {
    FILE* out = std::fopen(file.c_str(), "w");
    PEM_write_X509(out, certificate);
    std::fclose(out);
  }

  std::filesystem::path folder_;
  Key key_{nullptr, EVP_PKEY_free};
  Certificate certificate_{nullptr, X509_free};
};

}  // namespace parley::net
