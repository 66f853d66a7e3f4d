{{- define "wrktalk.job.labels" -}}
app: {{ .Values.jobs.name }}
{{ include "wrktalk.labels" . }}
{{- end }}

{{- /* The pod of a Job: a dict of root, container (what kubectl logs shows), containers, and perhaps init and volumes: names of
       templates with what the pod has besides vault-init. */}}
{{- define "wrktalk.job.pod" -}}
{{- $root := .root -}}
metadata: # without the label app, so that no Service of the application takes this pod for one of its own
  labels:
    app.kubernetes.io/name: wrktalk
    app.kubernetes.io/component: job
    wrktalk/network: {{ $root.Values.jobs.name }}
  annotations:
    kubectl.kubernetes.io/default-container: {{ .container }}
    {{- with $root.Values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ $root.Values.jobs.serviceAccountName }}
  automountServiceAccountToken: false # vault-init alone gets one, below
  restartPolicy: Never
  {{- include "wrktalk.scheduling" $root | nindent 2 }}
  initContainers: # one after the other; a failure ends the pod
    - name: vault-init
      {{- include "wrktalk.container" $root | nindent 6 }}
      args: [secrets, pg-env, --out, /vault/secrets/pg_env.sh]
      env:
        {{- include "wrktalk.vault.env" (dict "root" $root "role" $root.Values.jobs.vaultRole "path" $root.Values.jobs.vaultPath) | nindent 8 }}
      resources:
        {{- toYaml $root.Values.jobs.resources | nindent 8 }}
      volumeMounts:
        - {name: vault-secrets, mountPath: /vault/secrets}
        {{- include "wrktalk.vault.mount" $root | nindent 8 }}
        - {name: token, mountPath: /var/run/secrets/kubernetes.io/serviceaccount, readOnly: true}
    {{- with .init }}
    {{- include . $root | nindent 4 }}
    {{- end }}
  containers:
    {{- include .containers $root | nindent 4 }}
  volumes:
    - name: vault-secrets
      emptyDir: {medium: Memory, sizeLimit: 1Mi}
    {{- include "wrktalk.vault.volume" $root | nindent 4 }}
    {{- include "wrktalk.postgres.volume" $root | nindent 4 }}
    - name: token
      projected:
        sources:
          - serviceAccountToken: {path: token, expirationSeconds: 600}
    {{- with .volumes }}
    {{- include . $root | nindent 4 }}
    {{- end }}
{{- end }}
