#!/bin/sh
# cms_judge.sh JUDGE COMMAND [MAIL] [OPTION]...: somebody else's software says
# whether a mail of ours is good.
#
#   JUDGE    openssl | gpgsm | nss | bc
#   COMMAND  available            is the judge here?  (no MAIL)
#            verify MAIL          the signature, and the signer's path to --ca
#            decrypt MAIL         with --key and --cert
#   MAIL     a message or entity (header, blank line, body): multipart/signed
#            or application/pkcs7-mime; or bare DER (then --content FILE is
#            what a detached signature covers).  LF line ends become CRLF.
#   --ca FILE      PEM: the root, and what else the path needs
#   --key FILE     PEM, not encrypted        --cert FILE   PEM
#   --content FILE (for DER)
#   -o FILE        what was signed, or the decrypted entity, goes there
#
# Says one line and exits with
#   0  OK                 1  FAIL reason
#   3  SKIP reason        the judge is not installed, or known not to read it
#   2  wrong usage
#
# A mail that is signed and then encrypted: decrypt it to a file, and verify
# that file.  Everything private (GNUPGHOME, NSS database) is made in a
# temporary folder and removed; the Java judge is compiled into $BUILD.
exec python3 -B "$(dirname "$0")/cms_judge.py" "$@"
