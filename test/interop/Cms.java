import java.io.BufferedReader;
import java.io.FileReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.security.PrivateKey;
import java.security.Security;
import java.security.cert.X509Certificate;
import org.bouncycastle.asn1.pkcs.PrivateKeyInfo;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.openssl.PEMKeyPair;
import org.bouncycastle.openssl.PEMParser;
import org.bouncycastle.openssl.jcajce.JcaPEMKeyConverter;

/**
 * What the Bouncy Castle programs share: jobs, files, keys, certificates.
 */
class Cms {
	static final String BC = "BC";

	interface Job {
		void run(String[] words) throws Exception;
	}

	/** A job a line, tabs between its words; OK, or FAIL and a reason. */
	static void answer(Job job) throws IOException {
		Security.addProvider(new BouncyCastleProvider());
		BufferedReader in =
			new BufferedReader(new InputStreamReader(System.in));
		String line;

		while ((line = in.readLine()) != null) {
			try {
				job.run(line.split("\t"));
				System.out.println("OK");
			} catch (Exception e) {
				System.out.println("FAIL " + reason(e));
			}
		}
	}

	static String reason(Throwable e) {
		String text = e.toString();

		while ((e = e.getCause()) != null)
			text += ": " + e.getMessage();
		return text.replace('\n', ' ');
	}

	static byte[] read(String path) throws IOException {
		return Files.readAllBytes(Paths.get(path));
	}

	static X509Certificate convert(X509CertificateHolder holder)
		throws Exception {
		return new JcaX509CertificateConverter().setProvider(BC)
			.getCertificate(holder);
	}

	static PrivateKey key(String path) throws Exception {
		JcaPEMKeyConverter converter =
			new JcaPEMKeyConverter().setProvider(BC);

		try (PEMParser pem = new PEMParser(new FileReader(path))) {
			Object found = pem.readObject();

			if (found instanceof PEMKeyPair)
				return converter.getKeyPair((PEMKeyPair)found)
					.getPrivate();
			return converter.getPrivateKey((PrivateKeyInfo)found);
		}
	}

	static X509CertificateHolder cert(String path) throws Exception {
		try (PEMParser pem = new PEMParser(new FileReader(path))) {
			return (X509CertificateHolder)pem.readObject();
		}
	}
}
