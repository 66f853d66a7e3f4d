{{- define "wrktalk.fullname" -}}
{{- if .Values.fullnameOverride }}{{ .Values.fullnameOverride }}
{{- else if contains "wrktalk" .Release.Name }}{{ .Release.Name }}
{{- else }}{{ printf "%s-wrktalk" .Release.Name | trunc 53 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "wrktalk.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (include "wrktalk.fullname" .) }}
{{- end }}

{{- define "wrktalk.image" -}}
{{- .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- /* Where the agent deploys to, and what it is called there. */}}
{{- define "wrktalk.target.namespace" -}}
{{- .Values.agent.settings.WRKTALK_AGENT_KUBE_NAMESPACE | default "wrktalk" }}
{{- end }}

{{- define "wrktalk.labels" -}}
app.kubernetes.io/name: wrktalk
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "wrktalk.agent.metadata" -}}
name: {{ include "wrktalk.fullname" . }}
namespace: {{ .Release.Namespace }}
labels:
  app: {{ include "wrktalk.fullname" . }}
  {{- include "wrktalk.labels" . | nindent 2 }}
{{- end }}

{{- define "wrktalk.scheduling" -}}
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "wrktalk.container" -}}
image: {{ include "wrktalk.image" . }}
{{- with .Values.image.pullPolicy }}
imagePullPolicy: {{ . }}
{{- end }}
command: [wrktalk]
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
{{- end }}

{{- /* env of what logs in to Vault: a dict of root, role and path. */}}
{{- define "wrktalk.vault.env" -}}
- name: VAULT_ADDR
  value: {{ .root.Values.vault.address | quote }}
{{- if .root.Values.vault.caConfigMap }}
- name: VAULT_CACERT
  value: /vault/tls/ca.crt
{{- end }}
{{- with .role }}
- name: WRKTALK_AGENT_VAULT_ROLE
  value: {{ . | quote }}
{{- end }}
{{- with .path }}
- name: WRKTALK_AGENT_VAULT_PATH
  value: {{ . | quote }}
{{- end }}
{{- include "wrktalk.refuse-secrets" (dict "root" .root "where" "vault.settings" "settings" .root.Values.vault.settings) }}
{{- range $name, $value := .root.Values.vault.settings }}
- name: {{ $name }}
  value: {{ include "wrktalk.text" $value }}
{{- end }}
{{- end }}

{{- define "wrktalk.vault.volume" -}}
{{- with .Values.vault.caConfigMap -}}
- name: vault-ca
  configMap:
    name: {{ . }}
{{- end }}
{{- end }}

{{- define "wrktalk.vault.mount" -}}
{{- if .Values.vault.caConfigMap -}}
- {name: vault-ca, mountPath: /vault/tls, readOnly: true}
{{- end }}
{{- end }}

{{- /* The databases' CA: with it nothing but their own servers is spoken to. */}}
{{- define "wrktalk.postgres.env" -}}
{{- if .Values.postgres.caConfigMap -}}
- name: PGSSLMODE
  value: verify-full
- name: PGSSLROOTCERT
  value: /etc/postgres-ca/ca.crt
{{- end }}
{{- end }}

{{- define "wrktalk.postgres.volume" -}}
{{- with .Values.postgres.caConfigMap -}}
- name: postgres-ca
  configMap:
    name: {{ . }}
{{- end }}
{{- end }}

{{- define "wrktalk.postgres.mount" -}}
{{- if .Values.postgres.caConfigMap -}}
- {name: postgres-ca, mountPath: /etc/postgres-ca, readOnly: true}
{{- end }}
{{- end }}

{{- /* A setting as a quoted string. Numbers are written in full, never as 1e+06. */}}
{{- define "wrktalk.text" -}}
{{- if kindIs "string" . }}{{ quote . }}{{ else }}{{ toJson . | quote }}{{ end }}
{{- end }}

{{- /* Settings are for all to read: a dict of root, where and settings. What is secret is a line of files/secret-settings; a misspelt one is
       known by its end. */}}
{{- define "wrktalk.refuse-secrets" -}}
{{- $secrets := .root.Files.Lines "files/secret-settings" }}
{{- range $name, $value := .settings }}
{{- if or (has $name $secrets) (regexMatch "(PASSWORD|DSN|SECRET|SECRET_ID|TOKEN)$" $name) }}
{{- fail (printf "%s.%s would stand where all can read it: put it into a Secret, and name that in agent.existingSecret, or by secretKeyRef in agent.extraEnv" $.where $name) }}
{{- end }}
{{- end }}
{{- end }}
