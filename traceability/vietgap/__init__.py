"""VietGAP: readiness, dossiers, certificates, claims."""
