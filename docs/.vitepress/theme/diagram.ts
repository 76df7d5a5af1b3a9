import { useData } from 'vitepress';
import { defineComponent, h, onMounted, ref, useId, watchEffect } from 'vue';

/** A Mermaid diagram. Drawn in the browser, because Mermaid measures text there; the library is loaded with the first one. */
export const Diagram = defineComponent({
  props: { source: { type: String, required: true } },
  setup({ source }) {
    const { isDark } = useData();
    const id = `diagram-${useId()}`;
    const svg = ref('');
    const text = decodeURIComponent(source);
    onMounted(() =>
      watchEffect(async () => {
        const theme = isDark.value ? 'dark' : 'neutral';
        const { default: mermaid } = await import('mermaid');
        mermaid.initialize({ startOnLoad: false, securityLevel: 'strict', theme });
        svg.value = (await mermaid.render(id, text)).svg;
      }),
    );
    // Until it is drawn, and for search engines: its source.
    return () => (svg.value ? h('div', { class: 'diagram', innerHTML: svg.value }) : h('pre', text));
  },
});
