{{- /* The agent's settings, as JSON; an empty one is none. */}}
{{- define "wrktalk.agent.settings" -}}
{{- $settings := dict "WRKTALK_AGENT_KUBE_NAMESPACE" (include "wrktalk.target.namespace" .) }}
{{- if not .Values.agent.vault.enabled }}
{{- $settings = merge $settings (dict
      "WRKTALK_AGENT_DB_HOST" "postgres.wrktalk.svc.cluster.local"
      "WRKTALK_AGENT_DB_PORT" "5432"
      "WRKTALK_AGENT_DB_NAME" "wrktalk"
      "WRKTALK_AGENT_DB_USER" "wrktalk"
      "WRKTALK_AGENT_DB_PASSWORD_FILE" "/etc/wrktalk/secret/db-password") }}
{{- end }}
{{- range $name, $value := .Values.agent.settings }}
{{- if ne (toString $value) "" }}{{ $_ := set $settings $name $value }}{{ end }}
{{- end }}
{{- toJson $settings }}
{{- end }}

{{- /* What the agent and the test of its tables have in common. */}}
{{- define "wrktalk.agent.env" -}}
envFrom:
  - configMapRef:
      name: {{ include "wrktalk.fullname" . }}
env:
  - name: HOME # helm's cache
    value: /tmp
  {{- if .Values.agent.vault.enabled }}
  {{- $role := required "agent.vault.role is needed: the role that Vault gives the agent's service account" .Values.agent.vault.role }}
  {{- $path := required "agent.vault.path is needed: the secret with the agent's database credentials" .Values.agent.vault.path }}
  {{- include "wrktalk.vault.env" (dict "root" . "role" $role "path" $path) | nindent 2 }}
  {{- end }}
  {{- include "wrktalk.postgres.env" . | nindent 2 }}
  {{- with .Values.agent.extraEnv }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
volumeMounts:
  {{- if .Values.agent.vault.enabled }}
  {{- include "wrktalk.vault.mount" . | nindent 2 }}
  {{- else }}
  - {name: secret, mountPath: /etc/wrktalk/secret, readOnly: true}
  {{- end }}
  - {name: shm, mountPath: /dev/shm}
  {{- include "wrktalk.postgres.mount" . | nindent 2 }}
  - {name: tmp, mountPath: /tmp}
  {{- with .Values.agent.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{- define "wrktalk.agent.volumes" -}}
volumes:
  {{- if .Values.agent.vault.enabled }}
  {{- include "wrktalk.vault.volume" . | nindent 2 }}
  {{- else }}
  - name: secret
    secret:
      secretName: {{ .Values.agent.existingSecret | default (include "wrktalk.fullname" .) }}
      defaultMode: 0440
  {{- end }}
  - name: shm # env and values files of a running task: memory, counted to the container's
    emptyDir: {medium: Memory, sizeLimit: 32Mi}
  {{- include "wrktalk.postgres.volume" . | nindent 2 }}
  - name: tmp # the charts of a running task, unpacked, and helm's cache; beyond its size the pod is evicted
    emptyDir: {sizeLimit: {{ .Values.agent.tmpSize }}}
  {{- with .Values.agent.extraVolumes }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}
