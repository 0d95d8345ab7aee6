use crate::testing::check;

/// Unless a comment says otherwise, every row of this file is what Flink 2.3 answered.
#[test]
fn digests() {
    check(&[
        ("MD5('a')", "STRING", "0cc175b9c0f1b6a831c399e269772661"),
        ("MD5('')", "STRING", "d41d8cd98f00b204e9800998ecf8427e"),
        ("MD5(CAST(NULL AS STRING))", "STRING", "NULL"),
        ("SHA1('a')", "STRING", "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"),
        ("SHA224('a')", "STRING", "abd37534c7d9a2efb9465de931cd7055ffdb8879563ae98078d6d6d5"),
        ("SHA256('a')", "STRING", "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"),
        ("SHA256('é')", "STRING", "4a99557e4033c3539de2eb65472017cad5f9557f7a0625a09f1c3f6e2ba69c4c"),
        (
            "SHA384('a')",
            "STRING",
            "54a59b9f22b0b80880d8427e548b7c23abd873486e1f035dce9cd697e85175033caa88e6d57bc35efae0b5afd3145f31",
        ),
        (
            "SHA512('a')",
            "STRING",
            "1f40fc92da241694750979ee6cf582f2d5d7d28e18335de05abc54d0560e0f5302860c652bf08d560252aa5e74210546f369fbbbce8c12cfc7957b2652fe9a75",
        ),
        ("SHA2('a', 256)", "STRING", "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"),
        ("SHA2('a', 1)", "ERROR", "SHA2: the number of bits is 224, 256, 384 or 512, not 1"),
    ]);
}

#[test]
fn encodings() {
    check(&[
        ("TO_BASE64('hello')", "STRING", "aGVsbG8="),
        ("TO_BASE64(x'ff00')", "STRING", "/wA="),
        ("FROM_BASE64('aGVsbG8=')", "STRING", "hello"),
        ("FROM_BASE64('aGVsbG8')", "STRING", "hello"),
        ("FROM_BASE64('/w==')", "STRING", "\u{fffd}"),
        ("FROM_BASE64('!!!')", "ERROR", "FROM_BASE64: '!!!' is not base 64"),
        ("UNHEX('616263')", "BYTES", "[97, 98, 99]"),
        // Flink loses the first digit.
        ("UNHEX('abc')", "BYTES", "[10, 188]"),
        ("UNHEX('zz')", "BYTES", "NULL"),
        ("ENCODE('hé', 'UTF-16BE')", "BYTES", "[0, 104, 0, 233]"),
        ("ENCODE('hé', 'UTF-16')", "BYTES", "[254, 255, 0, 104, 0, 233]"),
        ("ENCODE('hé', 'ISO-8859-1')", "BYTES", "[104, 233]"),
        ("ENCODE('hé', 'nope')", "ERROR", "ENCODE: the character set 'nope' is not supported"),
        ("DECODE(x'68c3a9', 'UTF-8')", "STRING", "hé"),
        ("DECODE(x'ff', 'US-ASCII')", "STRING", "\u{fffd}"),
        ("DECODE(ENCODE('hé😀', 'UTF-16LE'), 'UTF-16LE')", "STRING", "hé😀"),
        ("DECODE(ENCODE('hé😀', 'UTF-16'), 'UTF-16')", "STRING", "hé😀"),
        ("URL_ENCODE('a b&c')", "STRING", "a+b%26c"),
        ("URL_DECODE('a+b%26c')", "STRING", "a b&c"),
        ("URL_DECODE('100%')", "STRING", "NULL"),
    ]);
}
