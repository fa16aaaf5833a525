import java.io.FileReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.security.Key;
import java.security.PrivateKey;
import java.security.cert.CertPathBuilder;
import java.security.cert.CertStore;
import java.security.cert.CollectionCertStoreParameters;
import java.security.cert.PKIXBuilderParameters;
import java.security.cert.TrustAnchor;
import java.security.cert.X509CertSelector;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import org.bouncycastle.asn1.ASN1OctetString;
import org.bouncycastle.asn1.ASN1Primitive;
import org.bouncycastle.asn1.cms.CMSObjectIdentifiers;
import org.bouncycastle.asn1.cms.ContentInfo;
import org.bouncycastle.asn1.cms.GCMParameters;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cms.CMSAuthEnvelopedData;
import org.bouncycastle.cms.CMSEnvelopedData;
import org.bouncycastle.cms.CMSException;
import org.bouncycastle.cms.CMSProcessableByteArray;
import org.bouncycastle.cms.CMSSignedData;
import org.bouncycastle.cms.KeyAgreeRecipientInformation;
import org.bouncycastle.cms.Recipient;
import org.bouncycastle.cms.RecipientInformation;
import org.bouncycastle.cms.RecipientInformationStore;
import org.bouncycastle.cms.RecipientOperator;
import org.bouncycastle.cms.SignerInformation;
import org.bouncycastle.cms.jcajce.JcaSimpleSignerInfoVerifierBuilder;
import org.bouncycastle.cms.jcajce.JceKeyAgreeEnvelopedRecipient;
import org.bouncycastle.cms.jcajce.JceKeyAgreeRecipient;
import org.bouncycastle.cms.jcajce.JceKeyTransAuthEnvelopedRecipient;
import org.bouncycastle.cms.jcajce.JceKeyTransEnvelopedRecipient;
import org.bouncycastle.jcajce.io.CipherInputStream;
import org.bouncycastle.openssl.PEMParser;
import org.bouncycastle.operator.InputAEADDecryptor;
import org.bouncycastle.util.Store;

/**
 * Bouncy Castle as a judge.  Reads jobs, a line each with tabs between
 *   verify|decrypt  DER  CONTENT|-  CA.pem|-  KEY.pem|-  CERT.pem|-  OUT
 * and answers each with a line: OK, or FAIL and a reason.
 */
public class CmsJudge {
	public static void main(String[] arguments) throws IOException {
		Cms.answer(CmsJudge::judge);
	}

	static void judge(String[] job) throws Exception {
		byte[] der = Cms.read(job[1]);
		byte[] result = job[0].equals("verify")
			? verify(der, job[2], job[3])
			: decrypt(der, job[4], job[5]);

		Files.write(Paths.get(job[6]), result);
	}

	// ---- verify ----

	static byte[] verify(byte[] der, String content, String ca)
		throws Exception {
		CMSSignedData signed = content.equals("-")
			? new CMSSignedData(der)
			: new CMSSignedData(
				  new CMSProcessableByteArray(
					  Cms.read(content)), der);
		Store<X509CertificateHolder> certs = signed.getCertificates();

		if (!content.equals("-") && ContentInfo.getInstance(
				ASN1Primitive.fromByteArray(der)) != null
			&& new CMSSignedData(der).getSignedContent() != null)
			throw new Exception("detached, and content inside");
		if (signed.getSignerInfos().size() == 0)
			throw new Exception("no signer");
		for (SignerInformation signer : signed.getSignerInfos()) {
			Collection<X509CertificateHolder> match =
				certs.getMatches(signer.getSID());

			if (match.isEmpty())
				throw new Exception("no signer's certificate");
			if (signer.getSignedAttributes() == null)
				throw new Exception("no signed attributes");
			X509CertificateHolder cert = match.iterator().next();
			if (!signer.verify(
				    new JcaSimpleSignerInfoVerifierBuilder()
					    .setProvider(Cms.BC).build(cert)))
				throw new Exception("the signature is wrong");
			checkPath(cert, certs, ca);
		}
		return (byte[])signed.getSignedContent().getContent();
	}

	static void checkPath(X509CertificateHolder leaf,
		Store<X509CertificateHolder> certs, String ca) throws Exception {
		List<X509Certificate> known = new ArrayList<>();
		Set<TrustAnchor> anchors = new HashSet<>();
		X509CertSelector target = new X509CertSelector();

		for (X509CertificateHolder holder : certs.getMatches(null))
			known.add(Cms.convert(holder));
		try (PEMParser pem = new PEMParser(new FileReader(ca))) {
			Object found;

			while ((found = pem.readObject()) != null) {
				X509Certificate cert =
					Cms.convert((X509CertificateHolder)found);

				known.add(cert);
				if (cert.getSubjectX500Principal().equals(
					    cert.getIssuerX500Principal()))
					anchors.add(new TrustAnchor(cert, null));
			}
		}
		target.setCertificate(Cms.convert(leaf));
		PKIXBuilderParameters parameters =
			new PKIXBuilderParameters(anchors, target);
		parameters.setRevocationEnabled(false);
		parameters.addCertStore(CertStore.getInstance("Collection",
			new CollectionCertStoreParameters(known), Cms.BC));
		CertPathBuilder.getInstance("PKIX", Cms.BC).build(parameters);
	}

	// ---- decrypt ----

	static byte[] decrypt(byte[] der, String keyPath, String certPath)
		throws Exception {
		boolean auth = ContentInfo.getInstance(
			ASN1Primitive.fromByteArray(der)).getContentType()
			.equals(CMSObjectIdentifiers.authEnvelopedData);
		RecipientInformationStore infos = auth
			? new CMSAuthEnvelopedData(der).getRecipientInfos()
			: new CMSEnvelopedData(der).getRecipientInfos();
		PrivateKey key = Cms.key(keyPath);
		X509CertificateHolder mine = Cms.cert(certPath);

		for (RecipientInformation info : infos)
			if (info.getRID().match(mine))
				return info.getContent(
					recipient(info, key, auth));
		throw new Exception("this certificate is no recipient");
	}

	static Recipient recipient(RecipientInformation info, PrivateKey key,
		boolean auth) {
		if (info instanceof KeyAgreeRecipientInformation)
			return auth ? new AuthAgree(key).setProvider(Cms.BC)
				    : new JceKeyAgreeEnvelopedRecipient(key)
					      .setProvider(Cms.BC);
		return auth ? new JceKeyTransAuthEnvelopedRecipient(key)
				      .setProvider(Cms.BC)
			    : new JceKeyTransEnvelopedRecipient(key)
				      .setProvider(Cms.BC);
	}

	/** What Bouncy Castle 1.72 lacks: key agreement with AES-GCM. */
	static class AuthAgree extends JceKeyAgreeRecipient {
		AuthAgree(PrivateKey key) {
			super(key);
		}

		public RecipientOperator getRecipientOperator(
			AlgorithmIdentifier keyAlgorithm,
			AlgorithmIdentifier algorithm, SubjectPublicKeyInfo sender,
			ASN1OctetString material, byte[] encryptedKey)
			throws CMSException {
			Key secret = extractSecretKey(keyAlgorithm, algorithm,
				sender, material, encryptedKey);

			try {
				return new RecipientOperator(
					new Gcm(algorithm, secret));
			} catch (Exception e) {
				throw new CMSException("AES-GCM", e);
			}
		}
	}

	static class Gcm implements InputAEADDecryptor {
		private final AlgorithmIdentifier algorithm;
		private final Cipher cipher;

		Gcm(AlgorithmIdentifier algorithm, Key secret)
			throws Exception {
			GCMParameters gcm =
				GCMParameters.getInstance(algorithm.getParameters());

			this.algorithm = algorithm;
			cipher = Cipher.getInstance("AES/GCM/NoPadding", Cms.BC);
			cipher.init(Cipher.DECRYPT_MODE,
				new SecretKeySpec(secret.getEncoded(), "AES"),
				new GCMParameterSpec(
					gcm.getIcvLen() * 8, gcm.getNonce()));
		}

		public AlgorithmIdentifier getAlgorithmIdentifier() {
			return algorithm;
		}

		/* The tag follows the ciphertext, as the cipher wants it. */
		public InputStream getInputStream(InputStream in) {
			return new CipherInputStream(in, cipher);
		}

		public OutputStream getAADStream() {
			return new OutputStream() {
				public void write(int b) {
					cipher.updateAAD(
						new byte[] { (byte)b });
				}
			};
		}

		public byte[] getMAC() {
			return null;
		}
	}
}
