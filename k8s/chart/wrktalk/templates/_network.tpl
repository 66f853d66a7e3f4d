{{- /* One rule of egress: a dict of rule (ports, to) and perhaps protocols. */}}
{{- define "wrktalk.network.rule" -}}
- ports:
    {{- range $protocol := .protocols | default (list "TCP") }}
    {{- range $.rule.ports }}
    - {protocol: {{ $protocol }}, port: {{ . }}}
    {{- end }}
    {{- end }}
  {{- with .rule.to }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}

{{- /* Tells of each port that a setting names and a policy does not: a dict of setting, ports, service and policy. */}}
{{- define "wrktalk.network.note" -}}
{{- $allowed := list }}
{{- range (index .policy .service).ports }}{{ $allowed = append $allowed (toString .) }}{{ end }}
{{- range .ports }}
{{- if not (has . $allowed) }}
{{ $.setting }} names port {{ . }}, and networkPolicy.{{ $.service }}.ports does not. That is right where a Service translates it to
another one on its pods; else nothing gets through.
{{ end }}
{{- end }}
{{- end }}

{{- define "wrktalk.network.notes" -}}
{{- $policy := .Values.networkPolicy }}
{{- if .Values.agent.enabled }}
{{- with (include "wrktalk.agent.settings" . | fromJson).WRKTALK_AGENT_DB_PORT }}
{{- include "wrktalk.network.note" (dict "setting" "agent.settings.WRKTALK_AGENT_DB_PORT" "ports" (toString . | splitList ",") "service" "postgres" "policy" $policy) }}
{{- end }}
{{- end }}
{{- if or (and .Values.agent.enabled .Values.agent.vault.enabled) .Values.migration.enabled .Values.backup.enabled }}
{{- $port := regexFind ":[0-9]+$" (urlParse .Values.vault.address).host | trimPrefix ":" | default (hasPrefix "https:" .Values.vault.address | ternary "443" "80") }}
{{- include "wrktalk.network.note" (dict "setting" "vault.address" "ports" (list $port) "service" "vault" "policy" $policy) }}
{{- end }}
{{- end }}
