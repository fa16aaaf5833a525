import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.cert.X509Certificate;
import java.security.interfaces.ECPublicKey;
import java.util.Arrays;
import javax.crypto.spec.OAEPParameterSpec;
import javax.crypto.spec.PSource;
import java.security.spec.MGF1ParameterSpec;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.jcajce.JcaCertStore;
import org.bouncycastle.cms.CMSAlgorithm;
import org.bouncycastle.cms.CMSAuthEnvelopedDataGenerator;
import org.bouncycastle.cms.CMSEnvelopedDataGenerator;
import org.bouncycastle.cms.CMSProcessableByteArray;
import org.bouncycastle.cms.CMSSignedDataGenerator;
import org.bouncycastle.cms.CMSTypedData;
import org.bouncycastle.cms.RecipientInfoGenerator;
import org.bouncycastle.cms.jcajce.JcaSimpleSignerInfoGeneratorBuilder;
import org.bouncycastle.cms.jcajce.JceCMSContentEncryptorBuilder;
import org.bouncycastle.cms.jcajce.JceKeyAgreeRecipientInfoGenerator;
import org.bouncycastle.cms.jcajce.JceKeyTransRecipientInfoGenerator;
import org.bouncycastle.operator.OutputAEADEncryptor;
import org.bouncycastle.operator.OutputEncryptor;
import org.bouncycastle.operator.jcajce.JcaAlgorithmParametersConverter;

/**
 * Bouncy Castle makes CMS.  Reads jobs, a line each with tabs between
 *   sign     detached|opaque  ALGORITHM  KEY.pem  CERT.pem  CHAIN.pem  IN  OUT
 *   encrypt  CIPHER  PKCS1|OAEP-digest|ECDH-kdf  CERT.pem  IN  OUT
 * and answers each with a line: OK, or FAIL and a reason.
 */
public class CmsMake {
	public static void main(String[] arguments) throws IOException {
		Cms.answer(CmsMake::make);
	}

	static void make(String[] job) throws Exception {
		byte[] in = Cms.read(job[job.length - 2]);
		CMSTypedData content = new CMSProcessableByteArray(in);
		byte[] made = job[0].equals("sign") ? sign(job, content)
						    : encrypt(job, content);

		Files.write(Paths.get(job[job.length - 1]), made);
	}

	static byte[] sign(String[] job, CMSTypedData content)
		throws Exception {
		X509CertificateHolder cert = Cms.cert(job[4]);
		CMSSignedDataGenerator maker = new CMSSignedDataGenerator();

		maker.addSignerInfoGenerator(
			new JcaSimpleSignerInfoGeneratorBuilder()
				.setProvider(Cms.BC)
				.build(job[2], Cms.key(job[3]),
					Cms.convert(cert)));
		maker.addCertificates(new JcaCertStore(
			Arrays.asList(cert, Cms.cert(job[5]))));
		return maker.generate(content, job[1].equals("opaque"))
			.getEncoded();
	}

	static ASN1ObjectIdentifier algorithm(String name) throws Exception {
		return (ASN1ObjectIdentifier)CMSAlgorithm.class.getField(name)
			.get(null);
	}

	static byte[] encrypt(String[] job, CMSTypedData content)
		throws Exception {
		RecipientInfoGenerator recipient =
			recipient(job[1], job[2],
				Cms.convert(Cms.cert(job[3])));
		OutputEncryptor cipher =
			new JceCMSContentEncryptorBuilder(algorithm(job[1]))
				.setProvider(Cms.BC).build();

		if (job[1].endsWith("GCM")) {
			CMSAuthEnvelopedDataGenerator maker =
				new CMSAuthEnvelopedDataGenerator();

			maker.addRecipientInfoGenerator(recipient);
			return maker.generate(content,
				(OutputAEADEncryptor)cipher).getEncoded();
		}
		CMSEnvelopedDataGenerator maker =
			new CMSEnvelopedDataGenerator();

		maker.addRecipientInfoGenerator(recipient);
		return maker.generate(content, cipher).getEncoded();
	}

	static RecipientInfoGenerator recipient(String cipher, String way,
		X509Certificate cert) throws Exception {
		if (way.contains("DH-"))
			return agreed(cipher, way, cert);
		if (way.equals("PKCS1"))
			return new JceKeyTransRecipientInfoGenerator(cert)
				.setProvider(Cms.BC);
		String digest = way.substring("OAEP-".length());
		AlgorithmIdentifier oaep =
			new JcaAlgorithmParametersConverter()
				.getAlgorithmIdentifier(
					new ASN1ObjectIdentifier(
						"1.2.840.113549.1.1.7"),
					new OAEPParameterSpec(digest, "MGF1",
						new MGF1ParameterSpec(digest),
						PSource.PSpecified.DEFAULT));

		return new JceKeyTransRecipientInfoGenerator(cert, oaep)
			.setProvider(Cms.BC);
	}

	static RecipientInfoGenerator agreed(String cipher, String way,
		X509Certificate cert) throws Exception {
		KeyPairGenerator keys = KeyPairGenerator.getInstance("EC", Cms.BC);

		keys.initialize(((ECPublicKey)cert.getPublicKey()).getParams());
		KeyPair once = keys.generateKeyPair();

		return new JceKeyAgreeRecipientInfoGenerator(
			algorithm(way.replace('-', '_')), once.getPrivate(),
			once.getPublic(),
			algorithm(cipher.substring(0, 6) + "_WRAP"))
			.addRecipient(cert).setProvider(Cms.BC);
	}
}
